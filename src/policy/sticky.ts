import type { Balancer, Candidate } from './balance/balancer.ts';

/**
 * Stays with one node: for servers that remember a client, in a cache or a session.
 *
 * The node is chosen by the balancer within, and kept while it is connected, healthy and not excluded; then the balancer
 * chooses anew. A call that is sent again excludes the nodes it tried, so one failed or slow attempt is enough to leave a node:
 * calls to come would meet the same. There is no way back on its own: a node that is well again is as good as any other, and to
 * move twice costs two cold caches. While no healthy node is to be had, each pick is the balancer's, as in panic it spreads the
 * calls.
 *
 * Within tiers (`new TieredBalancer(() => new StickyBalancer(...))`) the calls go back to a better tier as ever, and there
 * to the node they had; around them (`new StickyBalancer(new TieredBalancer(...))`) they stay where they are, be it a backup.
 */
export class StickyBalancer<T extends Candidate> implements Balancer<T> {
  readonly #inner: Balancer<T>;
  #kept: T | undefined;

  constructor(inner: Balancer<T>) {
    this.#inner = inner;
  }

  get size(): number {
    return this.#inner.size;
  }

  get panicking(): boolean {
    return this.#inner.panicking;
  }

  /** The node it stays with; undefined while it has none. */
  get kept(): T | undefined {
    return this.#kept;
  }

  add(node: T): void {
    this.#inner.add(node);
  }

  remove(node: T): void {
    this.#inner.remove(node);
    if (this.#kept === node) this.#kept = undefined;
  }

  update(node: T): void {
    this.#inner.update(node);
  }

  pick(excluded: readonly T[], key?: string): T | undefined {
    const kept = this.#kept;
    if (kept?.healthy && !excluded.includes(kept)) return kept;
    const chosen = this.#inner.pick(excluded, key);
    if (chosen?.healthy && !excluded.includes(chosen)) this.#kept = chosen;
    return chosen;
  }

  began(node: T, now: number): void {
    this.#inner.began(node, now);
  }

  ended(node: T, now: number, latency: number, failed: boolean | undefined): void {
    this.#inner.ended(node, now, latency, failed);
  }
}
