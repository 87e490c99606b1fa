import type { Random } from '../../core/random.ts';
import type { Candidate } from './balancer.ts';
import type { BalancerOptions } from './options.ts';
import { PeakEwma } from './peak-ewma.ts';
import { TwoChoices } from './two-choices.ts';

/** The second node must cost at most this share of the first: else chance would outweigh the draw by weight. */
const margin = 0.9;

/**
 * Of two nodes drawn by weight the one where the call will be answered sooner: latency x calls in flight per weight. A fault
 * counts as a timeout, or a node that fails at once would attract what the others should get. A node that has not shown
 * its latency is compared by what it has in flight, as by `p2c`: so a newcomer gets its share, no more and no less.
 * Source: Finagle's `P2CPeakEwma`.
 */
export class LatencyBalancer<T extends Candidate> extends TwoChoices<T> {
  readonly #options: BalancerOptions;
  /** By slot. */
  readonly #latencies: PeakEwma[] = [];
  /** The time of the last call, because picks bring none. */
  #now = 0;

  /** The last latency of any node. */
  #usual = Infinity;

  constructor(random: Random, options: BalancerOptions) {
    super(random);
    this.#options = options;
  }

  override began(_node: T, now: number): void {
    this.#now = Math.max(this.#now, now);
  }

  override ended(node: T, now: number, latency: number, failed: boolean | undefined): void {
    this.#now = Math.max(this.#now, now);
    const slot = this.slotOf(node);
    if (slot === undefined) return;
    const its = this.#latencies[slot]!;
    if (failed) return its.failed(Math.max(latency, this.#options.faultLatency), now);
    if (failed === undefined) return its.waited(latency, now, this.#usual);
    its.succeeded(latency, now);
    this.#usual = latency;
  }

  protected override prefers(second: number, first: number): boolean {
    const [latency2, latency1] = [this.#latencies[second]!.at(this.#now), this.#latencies[first]!.at(this.#now)];
    // In panic latencies say as little as weights: whoever answered first would get twice its share of what is left.
    if (this.panicking || latency1 === undefined || latency2 === undefined) return this.isLighter(second, first);
    return this.costRatio(second, latency2, first, latency1) < margin;
  }

  protected override place(slot: number, weight: number): void {
    super.place(slot, weight);
    this.#latencies[slot] = new PeakEwma(this.#options.latencyDecay);
  }
}
