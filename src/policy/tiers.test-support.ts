import { seeded } from '../core/random.ts';
import { type BalancerName, makeBalancer } from './balance/index.ts';
import { type Tiered, TieredBalancer } from './tiers.ts';
import type { TierChange } from './tiers-change.ts';
import type { TierOptions } from './tiers-options.ts';

export class FakeNode implements Tiered {
  readonly id: string;
  tier: number;
  weight = 1024;
  healthy = true;
  inFlight = 0;
  constructor(id: string, tier: number) {
    this.id = id;
    this.tier = tier;
  }
}

/** A tiered balancer with a time of its own, and what it said of changes. */
export class World {
  readonly balancer: TieredBalancer<FakeNode>;
  readonly changes: TierChange[] = [];
  now = 0;

  constructor(options?: Partial<TierOptions>, balancer: BalancerName = 'p2c', seed = 1) {
    const random = seeded(seed);
    this.balancer = new TieredBalancer(
      () => makeBalancer<FakeNode>(balancer, random),
      options,
      (change) => this.changes.push(change),
    );
  }

  /** New nodes, known and connected. */
  join(tier: number, count: number, weight = 1024): FakeNode[] {
    const nodes = Array.from({ length: count }, (_, i) => new FakeNode(`${'pqbc'[tier]}${i}`, tier));
    for (const node of nodes) {
      node.weight = weight;
      this.balancer.expect(node);
      this.balancer.add(node);
    }
    return nodes;
  }

  health(node: FakeNode, healthy: boolean): void {
    node.healthy = healthy;
    this.balancer.update(node);
  }

  wait(ms: number): void {
    for (const until = this.now + ms; this.now < until; ) {
      this.now += 100;
      this.balancer.advance(this.now);
    }
  }

  /** Long enough for its start to be over. */
  settle(): this {
    this.wait(10_000);
    this.changes.length = 0;
    return this;
  }

  /** The tiers that calls go to now. */
  get used(): number[] {
    const tiers = Array.from({ length: 60 }, () => this.balancer.pick([])?.tier);
    return [...new Set(tiers.filter((tier) => tier !== undefined))].sort();
  }

  get causes(): string[] {
    return this.changes.map(({ cause, from, to }) => `${cause} ${from?.tier ?? '-'}>${to.tier}`);
  }
}
