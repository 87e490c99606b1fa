/** Latencies below this count as this, ms: with zeroes, what is in flight would count for nothing. */
const least = 0.01;

/**
 * What a call on a node takes, as far as the last calls show: a mean that follows a rise at once and a fall with a time
 * constant, so that one slow answer is heeded before a second one comes.
 * Source: Finagle's `P2CPeakEwma`.
 */
export class PeakEwma {
  /** Time constant, ms. */
  readonly #decay: number;
  /** As it was at `#meanAt`; undefined before the first success. */
  #mean: number | undefined;
  #meanAt = 0;
  /** What the last fault counts as, and since when; undefined once a success came after it. */
  #fault: number | undefined;
  #faultAt = 0;

  constructor(decay: number) {
    this.#decay = decay;
  }

  /** @param latency ms */
  succeeded(latency: number, now: number): void {
    const value = Math.max(latency, least);
    const mean = this.#mean ?? 0;
    this.#mean = value >= mean ? value : value + (mean - value) * this.#kept(this.#meanAt, now);
    this.#meanAt = now;
    this.#fault = undefined;
  }

  /**
   * There was no answer for so long, and then nobody waited any more: a latency of that at least. Without it, calls that are
   * hedged after 100 ms would never show that a node takes 500. What is no longer than expected shows nothing.
   * @param usual what to expect where no call has shown it, ms
   */
  waited(latency: number, now: number, usual: number): void {
    const expected = this.#mean === undefined ? usual : this.#mean * this.#kept(this.#meanAt, now);
    if (latency <= expected) return;
    this.#mean = latency;
    this.#meanAt = now;
  }

  /**
   * A fault, however fast, counts as `latency` until the next success; for half the time constant at most, because a node
   * that is not picked has none. It does not go into the mean: 5 s in it would take over a minute to wear off.
   */
  failed(latency: number, now: number): void {
    this.#fault = latency;
    this.#faultAt = now;
  }

  /**
   * The latency to expect, ms; undefined if nothing shows it. Without calls it falls towards zero, or a node once found to be
   * slow would never be tried again.
   */
  at(now: number): number | undefined {
    if (this.#fault !== undefined && now - this.#faultAt < this.#decay / 2) return this.#fault;
    return this.#mean === undefined ? undefined : this.#mean * this.#kept(this.#meanAt, now);
  }

  /** What is left after a time of 1. */
  #kept(since: number, now: number): number {
    return Math.exp(-Math.max(0, now - since) / this.#decay);
  }
}
