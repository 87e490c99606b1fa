import type { Balancer, Candidate } from './balance/index.ts';
import type { Stall } from './stall.ts';

/** How many nodes that stand still are passed over for one pick: a bound for its cost. */
const mostPassed = 4;

/** Whom a pick passes over while another is left: nodes that stand still, and those that asked to be spared for a while. */
export class Avoidance<N extends Candidate> {
  readonly #stallOf: (node: N) => Stall;
  /** Until when each asked to be spared, ms. */
  readonly #spared = new Map<N, number>();

  constructor(stallOf: (node: N) => Stall) {
    this.#stallOf = stallOf;
  }

  /** It asked for no more calls until then. */
  spare(node: N, until: number): void {
    this.#spared.set(node, Math.max(until, this.#spared.get(node) ?? until));
  }

  forget(node: N): void {
    this.#spared.delete(node);
  }

  /** Until when it is spared, ms; undefined if it is not. */
  sparedUntil(node: N, now: number): number | undefined {
    const until = this.#spared.get(node);
    return until !== undefined && now < until ? until : undefined;
  }

  /** What the balancer chooses, or another than that; none of `excluded` in any case, while another is left. */
  pick(balancer: Balancer<N>, excluded: readonly N[], now: number, key: string | undefined): N | undefined {
    if (this.#spared.size > 0) return this.#pickAround(balancer, excluded, now, key);
    const first = balancer.pick(excluded, key);
    if (first === undefined || !this.#stands(first, now)) return first;
    return this.#pickAround(balancer, excluded, now, key);
  }

  #pickAround(balancer: Balancer<N>, excluded: readonly N[], now: number, key: string | undefined): N | undefined {
    const passed = [...excluded];
    for (const [node, until] of this.#spared) {
      if (now >= until) this.#spared.delete(node);
      else passed.push(node);
    }
    for (let i = 0; i < mostPassed; i++) {
      const node = balancer.pick(passed, key);
      if (node === undefined || passed.includes(node)) break;
      if (!this.#stands(node, now)) return node;
      passed.push(node);
    }
    return balancer.pick(excluded, key);
  }

  #stands(node: N, now: number): boolean {
    return this.#stallOf(node).stands(node.inFlight, now);
  }
}
