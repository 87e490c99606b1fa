/** So many attempts without an answer since are a reason to look elsewhere ... */
const most = 16;
/** ... if the first of them has waited this long, ms. Answers come in batches; between two of them nothing is wrong. */
const patience = 50;

/**
 * How many attempts a node was sent since it last answered anything. One that stands still (a frozen process, a network
 * that swallows) collects attempts until a heartbeat is overdue; this bounds their number, whatever the node's weight: it is
 * passed over while another node is left that answers. Attempts in flight alone would not tell: a busy node has many, and
 * among newcomers with a small weight an old one is meant to have many.
 */
export class Stall {
  #sent = 0;
  /** When the first attempt since the last answer was sent. */
  #since = 0;

  sent(now: number): void {
    if (this.#sent++ === 0) this.#since = now;
  }

  answered(): void {
    this.#sent = 0;
  }

  /** @param inFlight the node's attempts that are not over: those that ended without an answer do not count for ever */
  stands(inFlight: number, now: number): boolean {
    return this.#sent >= most && inFlight >= most && now - this.#since >= patience;
  }
}
