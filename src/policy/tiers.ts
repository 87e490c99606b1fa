import type { Balancer, Candidate } from './balance/balancer.ts';
import { ActiveTier, type TierState } from './tiers-active.ts';
import type { TierChange, TierHealth } from './tiers-change.ts';
import { type TierOptions, tierOptions } from './tiers-options.ts';

/** A node that has its place in an order: see `tierOf`. */
export interface Tiered extends Candidate {
  /** 0 is used first. A whole number, 0..99. When it changes, `update` is to be called. */
  readonly tier: number;
}

interface Tier<T extends Tiered> extends TierState {
  balancer: Balancer<T>;
}

interface Entry<T extends Tiered> {
  tier: Tier<T>;
  /** Its absence counts. */
  expected: boolean;
  connected: boolean;
  /** As last seen. */
  healthy: boolean;
}

const highestRank = 99;

/**
 * Primary and backup, near and far: a balancer for each tier of nodes, of which one, the *active* tier, has all the calls.
 *
 * - Which one, and when it changes, `ActiveTier` decides by the healthy shares of the tiers: healthy / known.
 * - A call whose nodes tried are all that the active tier has goes to the other tiers, by rank: `pick` returns one of
 *   `excluded` only when there is no other node anywhere.
 * - With no healthy node anywhere there is panic: picks are even among the nodes of all tiers.
 *
 * Each operation costs O(1) besides the balancer's own (and a look at each tier, of which there are few). Once a second tier
 * has a connection, all nodes are in one more balancer as well, for panic: kept and not made when it is needed, as health
 * may come and go with every call.
 */
export class TieredBalancer<T extends Tiered> implements Balancer<T> {
  #make: () => Balancer<T>;
  readonly #tiers: ActiveTier<Tier<T>>;
  readonly #entries = new Map<T, Entry<T>>();
  /** Connected nodes of all tiers. Undefined while one tier has them all. */
  #all: Balancer<T> | undefined;
  #size = 0;
  #healthy = 0;
  /** True while changes are made that are judged together. */
  #changing = false;

  /**
   * @param make makes the balancer of a tier
   * @param onChange is told of each change of the active tier, after it
   * @throws RangeError for an option out of range
   */
  constructor(make: () => Balancer<T>, options?: Partial<TierOptions>, onChange?: (change: TierChange) => void) {
    this.#make = make;
    this.#tiers = new ActiveTier(tierOptions(options), onChange);
  }

  /** Nodes that can be picked, of all tiers. */
  get size(): number {
    return this.#size;
  }

  get panicking(): boolean {
    return this.#healthy === 0 && this.#size > 0;
  }

  /** The tier that has the calls; undefined before the first connection. */
  get active(): number | undefined {
    return this.#tiers.active?.rank;
  }

  /** All tiers that ever had a node, by rank. */
  show(): TierHealth[] {
    return this.#tiers.show();
  }

  /**
   * The node counts in its tier's share from now on, connected or not. To be called when its first dial is over, however that
   * ended. Not sooner: a node that is still to be dialled says nothing of its tier, and 150 of them beside 50 well ones
   * would hand all calls to the backups.
   */
  expect(node: T): void {
    this.#file(node, true, this.#entries.get(node)?.connected ?? false);
  }

  /** The node is gone for good, or on purpose: it is removed, and its absence is not held against its tier. */
  forget(node: T): void {
    if (this.#entries.has(node)) this.#file(node, false, false);
  }

  add(node: T): void {
    this.#file(node, this.#entries.get(node)?.expected ?? false, true);
  }

  /** The node cannot be picked any more. If it is expected, its absence counts. */
  remove(node: T): void {
    const entry = this.#entries.get(node);
    if (entry !== undefined) this.#file(node, entry.expected, false);
  }

  update(node: T): void {
    const entry = this.#entries.get(node);
    if (entry !== undefined) this.#file(node, entry.expected, entry.connected);
  }

  pick(excluded: readonly T[], key?: string): T | undefined {
    const { active } = this.#tiers;
    if (this.#healthy === 0 && this.#all !== undefined) return this.#all.pick(excluded, key);
    if (active === undefined || excluded.length === 0 || this.#all === undefined)
      return active?.balancer.pick(excluded, key);
    const tried = new Set(excluded);
    if (!this.#hasOther(active, tried))
      for (const tier of this.#tiers) if (this.#hasOther(tier, tried)) return tier.balancer.pick(excluded, key);
    return active.balancer.pick(excluded, key);
  }

  began(node: T, now: number): void {
    this.#entries.get(node)?.tier.balancer.began(node, now);
    this.#all?.began(node, now);
  }

  ended(node: T, now: number, latency: number, failed: boolean | undefined): void {
    this.#entries.get(node)?.tier.balancer.ended(node, now, latency, failed);
    this.#all?.ended(node, now, latency, failed);
  }

  /** Hands back what time allows. To be called every 100 ms or so: by as much a hand-back may be late. */
  advance(now: number): void {
    this.#tiers.advance(now);
  }

  /**
   * Makes changes that are one fact, such as those of one view of the registry: which tier has the calls is decided after all
   * of them, so that no state in between moves the calls.
   */
  together(changes: () => void): void {
    if (this.#changing) return changes();
    this.#changing = true;
    try {
      changes();
    } finally {
      this.#changing = false;
      this.#tiers.decide();
    }
  }

  /** From now on each tier chooses by a new balancer. What a balancer has learned itself is lost, nothing else is. */
  replace(make: () => Balancer<T>): void {
    this.#make = make;
    for (const tier of this.#tiers) tier.balancer = make();
    if (this.#all !== undefined) this.#all = make();
    for (const [node, { tier, connected }] of this.#entries) {
      if (!connected) continue;
      tier.balancer.add(node);
      this.#all?.add(node);
    }
  }

  /** Takes down what is true of a node now. */
  #file(node: T, expected: boolean, connected: boolean): void {
    const known = this.#entries.get(node);
    const tier = this.#tierOf(node);
    this.#place(node, known?.connected ? known.tier : undefined, connected ? tier : undefined);
    if (known !== undefined) this.#count(known, -1);
    const entry = Object.assign(known ?? {}, { tier, expected, connected, healthy: node.healthy });
    if (expected || connected) {
      this.#entries.set(node, entry);
      this.#count(entry, 1);
    } else this.#entries.delete(node);
    if (!this.#changing) this.#tiers.decide();
  }

  /** Sees to it that the right balancers have a node. A weight that cannot be is refused before anything changes. */
  #place(node: T, from: Tier<T> | undefined, to: Tier<T> | undefined): void {
    if (from === to) {
      to?.balancer.update(node);
      if (to !== undefined) this.#all?.update(node);
      return;
    }
    to?.balancer.add(node);
    from?.balancer.remove(node);
    if (to === undefined) this.#all?.remove(node);
    else if (this.#all !== undefined) this.#all.add(node);
    else if (to.balancer.size < this.#size + (from === undefined ? 1 : 0)) this.#gatherAll(node);
  }

  /** Some tier besides the one that just got this node has a connection too. */
  #gatherAll(node: T): void {
    this.#all = this.#make();
    for (const [other, { connected }] of this.#entries) if (connected) this.#all.add(other);
    this.#all.add(node);
  }

  #count({ tier, connected, healthy }: Entry<T>, by: 1 | -1): void {
    tier.known += by;
    if (!connected) return;
    tier.connected += by;
    this.#size += by;
    if (!healthy) return;
    tier.healthy += by;
    this.#healthy += by;
  }

  #tierOf({ id, tier: rank }: T): Tier<T> {
    const found = this.#tiers.get(rank);
    if (found !== undefined) return found;
    if (!(Number.isInteger(rank) && rank >= 0 && rank <= highestRank))
      throw new RangeError(`the tier of ${id} is ${rank}: expected a whole number in 0..${highestRank}`);
    const state = { rank, known: 0, connected: 0, healthy: 0, wellSince: undefined };
    return this.#tiers.add({ ...state, balancer: this.#make() });
  }

  /** True if a tier has a connected node that was not tried. */
  #hasOther(tier: Tier<T>, tried: ReadonlySet<T>): boolean {
    let left = tier.connected;
    for (const node of tried) {
      const entry = this.#entries.get(node);
      if (entry?.tier === tier && entry.connected) left--;
    }
    return left > 0;
  }
}
