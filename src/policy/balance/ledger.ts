import type { Candidate } from './balancer.ts';

/**
 * What nodes had in flight when last looked at, by slot, for balancers that must know the sum or the least of it. They look
 * at a node whenever an attempt began or ended. As that number may change without either (the answer to a call that was
 * given up comes in), one more node is looked at each time, so that no entry stays wrong for more than n attempts.
 */
export class Ledger {
  readonly #nodes: readonly (Candidate | undefined)[];
  readonly #changed: (slot: number, inFlight: number) => void;
  readonly #seen: number[] = [];
  #total = 0;
  #next = 0;

  /** @param changed called when a look showed another number than the last one, and at the first look */
  constructor(nodes: readonly (Candidate | undefined)[], changed: (slot: number, inFlight: number) => void) {
    this.#nodes = nodes;
    this.#changed = changed;
  }

  /** The sum over all nodes. */
  get total(): number {
    return this.#total;
  }

  /** What was seen at the last look. */
  seen(slot: number): number {
    return this.#seen[slot]!;
  }

  /** Opens the entry of a node that came. */
  open(slot: number): void {
    this.#seen[slot] = this.#nodes[slot]!.inFlight;
    this.#total += this.#seen[slot]!;
  }

  /** Closes the entry of a node that leaves. */
  close(slot: number): void {
    this.#total -= this.#seen[slot]!;
    this.#seen[slot] = 0;
  }

  /** Looks at a node. True if it showed another number than the last look. */
  look(slot: number): boolean {
    const { inFlight } = this.#nodes[slot]!;
    const change = inFlight - this.#seen[slot]!;
    if (change === 0) return false;
    this.#seen[slot] = inFlight;
    this.#total += change;
    this.#changed(slot, inFlight);
    return true;
  }

  /** Looks at the next node, one after the other. */
  lookOn(): void {
    this.#next = (this.#next + 1) % this.#nodes.length;
    if (this.#nodes[this.#next] !== undefined) this.look(this.#next);
  }
}
