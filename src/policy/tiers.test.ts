import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { balancerNames, makeBalancer } from './balance/index.ts';
import { type Tiered, TieredBalancer } from './tiers.ts';
import { type TierChange, tierChangeText } from './tiers-change.ts';
import type { TierOptions } from './tiers-options.ts';

class FakeNode implements Tiered {
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
class World {
  readonly balancer: TieredBalancer<FakeNode>;
  readonly changes: TierChange[] = [];
  now = 0;

  constructor(options?: Partial<TierOptions>, balancer: (typeof balancerNames)[number] = 'p2c', seed = 1) {
    const random = seeded(seed);
    this.balancer = new TieredBalancer(
      () => makeBalancer<FakeNode>(balancer, random),
      options,
      (change) => this.changes.push(change),
    );
  }

  /** New nodes, known and connected. */
  join(tier: number, count: number): FakeNode[] {
    const nodes = Array.from({ length: count }, (_, i) => new FakeNode(`${'pqbc'[tier]}${i}`, tier));
    for (const node of nodes) {
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

describe('who has the calls', () => {
  test('the first tier, and only that, while it is healthy enough', () => {
    const world = new World();
    world.join(0, 3);
    world.join(2, 3);
    world.settle();
    assert.deepEqual(world.used, [0]);
    assert.equal(world.balancer.size, 6);
    assert.equal(world.balancer.active, 0);
  });

  const sizes: [known: number, losesAt: number, backAt: number][] = [
    [1, 0, 1],
    [2, 0, 2],
    [3, 1, 3],
    [4, 1, 3],
    [5, 2, 4],
    [10, 4, 7],
  ];
  for (const [known, losesAt, backAt] of sizes) {
    test(`of ${known} primaries: with ${losesAt} healthy the backup takes over, with ${backAt} it hands back`, () => {
      const world = new World();
      const primaries = world.join(0, known);
      world.join(2, 1);
      world.settle();
      for (let healthy = known - 1; healthy >= losesAt; healthy--) {
        assert.equal(world.balancer.active, 0);
        world.health(primaries[healthy]!, false);
      }
      assert.equal(world.balancer.active, 2);
      assert.deepEqual(world.used, [2]);
      for (let healthy = losesAt + 1; healthy <= backAt; healthy++) {
        world.wait(60_000);
        assert.equal(world.balancer.active, 2);
        world.health(primaries[healthy - 1]!, true);
      }
      world.wait(6_000);
      assert.equal(world.balancer.active, 0);
      assert.deepEqual(world.causes, ['take-over 0>2', 'hand-back 2>0']);
    });
  }

  test('a node that is not connected counts as one that is not healthy, if it is expected', () => {
    const world = new World();
    const primaries = world.join(0, 3);
    world.join(2, 1);
    world.settle();
    world.balancer.remove(primaries[0]!);
    assert.equal(world.balancer.active, 0);
    world.balancer.remove(primaries[1]!);
    assert.equal(world.balancer.active, 2);
    assert.deepEqual(world.balancer.show()[0], { tier: 0, known: 3, connected: 1, healthy: 1 });
  });

  test('a node that went on purpose is not held against its tier', () => {
    const world = new World();
    const primaries = world.join(0, 3);
    world.join(2, 1);
    world.settle();
    world.balancer.forget(primaries[0]!);
    world.balancer.forget(primaries[1]!);
    assert.equal(world.balancer.active, 0);
    assert.deepEqual(world.balancer.show()[0], { tier: 0, known: 1, connected: 1, healthy: 1 });
    world.balancer.forget(primaries[2]!);
    assert.deepEqual(world.used, [2]);
  });

  test('150 new servers beside 50 well ones move nothing before they are dialled; when none can be reached, they do', () => {
    const world = new World();
    world.join(0, 50);
    world.join(2, 1);
    world.settle();
    const fresh = Array.from({ length: 150 }, (_, i) => new FakeNode(`new${i}`, 0));
    for (const node of fresh.slice(0, 75)) {
      world.balancer.add(node);
      world.balancer.expect(node);
    }
    assert.deepEqual(world.causes, []);
    for (const node of fresh) world.balancer.expect(node);
    assert.deepEqual(world.causes, []);
    for (const node of fresh.slice(0, 75)) world.balancer.remove(node);
    assert.deepEqual(world.causes, ['take-over 0>2']);
  });

  test('a tier that has nothing connected never takes over', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    const [backup] = world.join(2, 1);
    world.balancer.remove(backup!);
    world.settle();
    world.health(primary!, false);
    assert.deepEqual(world.used, [0]);
    world.balancer.remove(primary!);
    assert.equal(world.balancer.pick([]), undefined);
    world.wait(60_000);
    assert.deepEqual(world.causes, []);
    // The first that is back has the calls, well or not.
    backup!.healthy = false;
    world.balancer.add(backup!);
    assert.deepEqual(world.used, [2]);
  });

  test('nor one that is no healthier', () => {
    const world = new World();
    const primaries = world.join(0, 4);
    const backups = world.join(2, 4);
    world.settle();
    for (const node of backups.slice(0, 3)) world.health(node, false);
    for (const node of primaries.slice(0, 3)) world.health(node, false);
    assert.equal(world.balancer.active, 0);
    world.health(backups[0]!, true);
    assert.deepEqual(world.causes, ['take-over 0>2']);
  });

  test('the next one that is healthy enough, before one that is healthier still', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    const near = world.join(1, 2);
    world.join(2, 2);
    world.settle();
    world.health(near[0]!, false);
    world.health(primary!, false);
    assert.equal(world.balancer.active, 1);
    world.health(near[1]!, false);
    assert.equal(world.balancer.active, 2);
  });

  test('when no tier is healthy enough, the healthiest', () => {
    const world = new World();
    const all = [world.join(0, 5), world.join(1, 5), world.join(2, 5)];
    world.settle();
    for (const node of [...all[1]!.slice(0, 4), ...all[2]!.slice(0, 3)]) world.health(node, false);
    for (const node of all[0]!) world.health(node, false);
    assert.deepEqual(world.causes, ['take-over 0>2']);
  });

  test('the active tier fails while a better one waits to have the calls back: it has them at once', () => {
    const world = new World();
    const primaries = world.join(0, 2);
    const [backup] = world.join(2, 1);
    world.settle();
    for (const node of primaries) world.health(node, false);
    world.health(primaries[0]!, true);
    world.wait(60_000);
    assert.equal(world.balancer.active, 2);
    world.health(backup!, false);
    assert.deepEqual(world.causes, ['take-over 0>2', 'take-over 2>0']);
  });
});

describe('hand-back', () => {
  test('after 5 s of being well, and not sooner; a dip in between begins them anew, however short', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    world.join(2, 1);
    world.settle();
    world.health(primary!, false);
    world.wait(1_000);
    world.health(primary!, true);
    world.wait(4_900);
    world.health(primary!, false);
    world.health(primary!, true);
    // It is seen to be well from the next `advance` on.
    world.wait(5_000);
    assert.equal(world.balancer.active, 2);
    world.wait(100);
    assert.equal(world.balancer.active, 0);
  });

  test('a primary that comes and goes costs one change, not one each time', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    world.join(2, 1);
    world.settle();
    for (let i = 0; i < 100; i++) {
      world.health(primary!, false);
      world.wait(1_000);
      world.health(primary!, true);
      world.wait(4_000);
    }
    assert.deepEqual(world.causes, ['take-over 0>2']);
  });

  test('step by step, as each better tier is well for long enough', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    const [near] = world.join(1, 1);
    world.join(2, 1);
    world.settle();
    world.health(near!, false);
    world.health(primary!, false);
    world.health(near!, true);
    world.wait(2_000);
    world.health(primary!, true);
    world.wait(10_000);
    assert.deepEqual(world.causes, ['take-over 0>2', 'hand-back 2>1', 'hand-back 1>0']);
  });

  test('options: when, from which share on, after which time', () => {
    const world = new World({ takeOver: 1, handBack: 1, handBackAfter: 300 });
    const primaries = world.join(0, 10);
    world.join(2, 1);
    world.settle();
    world.health(primaries[0]!, false);
    assert.equal(world.balancer.active, 2);
    world.health(primaries[0]!, true);
    world.wait(300);
    assert.equal(world.balancer.active, 2);
    world.wait(100);
    assert.equal(world.balancer.active, 0);
  });

  test('takeOver 0: the calls stay while there is a connection', () => {
    const world = new World({ takeOver: 0 });
    const primaries = world.join(0, 2);
    world.join(2, 1);
    world.settle();
    for (const node of primaries) world.health(node, false);
    assert.deepEqual(world.used, [0]);
    for (const node of primaries) world.balancer.remove(node);
    assert.deepEqual(world.used, [2]);
  });
});

describe('start', () => {
  test('a backup that is connected first has the calls until a primary is', () => {
    const world = new World();
    world.join(2, 1);
    assert.deepEqual(world.used, [2]);
    world.wait(300);
    world.join(0, 1);
    assert.deepEqual(world.used, [0]);
    assert.deepEqual(world.causes, ['start ->2', 'start 2>0']);
  });

  test('later, a better tier that is new waits as one that is back: its first server must not take all calls alone', () => {
    const world = new World();
    world.join(2, 3);
    world.settle();
    world.join(0, 1);
    assert.deepEqual(world.used, [2]);
    world.wait(4_900);
    assert.deepEqual(world.used, [2]);
    world.wait(200);
    assert.deepEqual(world.causes, ['hand-back 2>0']);
  });

  test('without nodes nothing is picked, and nobody panics', () => {
    const { balancer } = new World();
    balancer.advance(0);
    balancer.expect(new FakeNode('p', 0));
    assert.equal(balancer.pick([]), undefined);
    assert.equal(balancer.size, 0);
    assert.equal(balancer.panicking, false);
    assert.equal(balancer.active, undefined);
  });
});

describe('panic', () => {
  const tally = (world: World, count: number, excluded: readonly FakeNode[] = []) => {
    const counts = new Map<string, number>();
    for (let i = 0; i < count; i++) {
      const { id } = world.balancer.pick(excluded)!;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  };

  test('with no healthy node anywhere, picks are even among the nodes of all tiers', () => {
    const world = new World();
    const nodes = [...world.join(0, 3), ...world.join(1, 1), ...world.join(2, 2)];
    world.settle();
    for (const node of nodes) {
      assert.equal(world.balancer.panicking, false);
      node.weight = 1 + nodes.indexOf(node) * 100;
      world.health(node, false);
    }
    assert.equal(world.balancer.panicking, true);
    const counts = tally(world, 12_000);
    // 2,000 each, +-41: five standard deviations.
    for (const { id } of nodes) assert.ok(Math.abs((counts.get(id) ?? 0) - 2_000) < 205, `${id}: ${counts.get(id)}`);
    const left = tally(world, 100, nodes.slice(0, 5));
    assert.deepEqual([...left.keys()], [nodes[5]!.id]);
  });

  test('p2c still sees what is in flight: a tier that stands still is left alone', () => {
    const world = new World();
    const primaries = world.join(0, 3);
    const backups = world.join(2, 3);
    world.settle();
    for (const node of [...primaries, ...backups]) world.health(node, false);
    for (const node of primaries) node.inFlight = 50;
    // A primary is taken when both draws are primaries: 3 x 2 of 6 x 5.
    const counts = tally(world, 3_000);
    const atPrimaries = primaries.reduce((sum, { id }) => sum + (counts.get(id) ?? 0), 0);
    assert.ok(atPrimaries < 800, `${atPrimaries}: half without`);
  });

  test('it ends with the first healthy node, whose tier has the calls', () => {
    const world = new World();
    const primaries = world.join(0, 3);
    const backups = world.join(2, 2);
    world.settle();
    for (const node of [...primaries, ...backups]) world.health(node, false);
    world.health(backups[0]!, true);
    assert.equal(world.balancer.panicking, false);
    assert.deepEqual(world.used, [2]);
  });

  test('of one tier alone: even among its nodes', () => {
    const world = new World();
    const nodes = world.join(0, 2);
    world.settle();
    for (const node of nodes) world.health(node, false);
    nodes[0]!.weight = 1;
    world.balancer.update(nodes[0]!);
    assert.ok(Math.abs((tally(world, 2_000).get(nodes[0]!.id) ?? 0) - 1_000) < 115);
  });
});

describe('excluded nodes', () => {
  test('first the rest of the active tier, then the others by rank, then any of the active tier', () => {
    const world = new World();
    const all = [...world.join(0, 2), ...world.join(2, 1), ...world.join(1, 1)];
    const [p0, p1, b0, q0] = all as [FakeNode, FakeNode, FakeNode, FakeNode];
    world.settle();
    // One that fails is tried before another tier is.
    world.health(p1, false);
    for (let i = 0; i < 20; i++) {
      assert.equal(world.balancer.pick([p0]), p1);
      assert.equal(world.balancer.pick([p0, p1, p0]), q0);
      assert.equal(world.balancer.pick([q0, p1, p0]), b0);
      assert.equal(world.balancer.pick(all)?.tier, 0);
    }
  });

  test('a node tried that is gone, or was never here, hides none that is', () => {
    const world = new World();
    const [p0, p1] = world.join(0, 2);
    world.join(2, 1);
    world.settle();
    world.balancer.remove(p1!);
    assert.equal(world.balancer.pick([p1!, new FakeNode('x', 0)]), p0);
  });
});

describe('bookkeeping', () => {
  test('a node that changes its tier is moved: connected or not', () => {
    const world = new World();
    const primaries = world.join(0, 3);
    world.join(2, 1);
    world.settle();
    primaries[0]!.tier = 2;
    world.balancer.update(primaries[0]!);
    world.balancer.remove(primaries[1]!);
    primaries[1]!.tier = 1;
    world.balancer.update(primaries[1]!);
    assert.deepEqual(world.balancer.show(), [
      { tier: 0, known: 1, connected: 1, healthy: 1 },
      { tier: 1, known: 1, connected: 0, healthy: 0 },
      { tier: 2, known: 2, connected: 2, healthy: 2 },
    ]);
    assert.equal(world.balancer.size, 3);
    assert.deepEqual(world.used, [0]);
    assert.equal(world.balancer.pick([primaries[2]!])?.tier, 2);
  });

  test('a weight or a tier that cannot be is refused with a sentence, and nothing changes', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    world.join(2, 1);
    world.settle();
    const before = world.balancer.show();
    const bad = new FakeNode('bad', 0);
    bad.weight = 0;
    assert.throws(() => world.balancer.add(bad), RangeError);
    for (const tier of [-1, 0.5, 100, Number.NaN])
      assert.throws(() => world.balancer.expect(new FakeNode('bad', tier)), {
        name: 'RangeError',
        message: `the tier of bad is ${tier}: expected a whole number in 0..99`,
      });
    primary!.weight = Number.NaN;
    assert.throws(() => world.health(primary!, false), RangeError);
    assert.deepEqual(world.balancer.show(), before);
    assert.equal(world.balancer.size, 2);
  });

  test('what begins and ends is told to the balancer of the tier and to the one for panic', () => {
    const told: string[] = [];
    let made = 0;
    const balancer = new TieredBalancer<FakeNode>(() => {
      const name = `#${made++}`;
      const inner = makeBalancer<FakeNode>('random', seeded(1));
      inner.began = ({ id }, now) => told.push(`${name} ${id} began ${now}`);
      inner.ended = ({ id }, now, latency, failed) => told.push(`${name} ${id} ended ${now} ${latency} ${failed}`);
      return inner;
    });
    const primary = new FakeNode('p', 0);
    const backup = new FakeNode('b', 2);
    balancer.add(primary);
    balancer.began(primary, 1);
    balancer.add(backup);
    balancer.ended(primary, 5, 4, true);
    balancer.began(backup, 6);
    balancer.began(new FakeNode('x', 0), 7);
    const byTier = told.filter((line) => !line.startsWith('#2'));
    assert.deepEqual(byTier, ['#0 p began 1', '#0 p ended 5 4 true', '#1 b began 6']);
    assert.ok(told.includes('#2 p ended 5 4 true') && told.includes('#2 b began 6'));
  });

  test('replace: other balancers, the same nodes, shares and active tier', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    const backups = world.join(2, 2);
    world.balancer.expect(new FakeNode('away', 2));
    world.settle();
    world.health(primary!, false);
    const before = world.balancer.show();
    world.balancer.replace(() => makeBalancer<FakeNode>('random', seeded(9)));
    assert.deepEqual(world.balancer.show(), before);
    assert.equal(world.balancer.active, 2);
    assert.deepEqual(world.used, [2]);
    assert.equal(world.balancer.pick(backups), primary);
    for (const node of backups) world.health(node, false);
    assert.equal(new Set(Array.from({ length: 100 }, () => world.balancer.pick([]))).size, 3);
  });

  test('each change has a sentence', () => {
    const world = new World();
    world.join(2, 1);
    const primaries = world.join(0, 2);
    world.wait(10_000);
    for (const node of primaries) world.health(node, false);
    for (const node of primaries) world.health(node, true);
    world.wait(10_000);
    assert.deepEqual(world.changes.map(tierChangeText), [
      'tier 2 (1 of 1 healthy) takes the calls',
      'tier 0 (1 of 1 healthy) takes the calls, which tier 2 (1 of 1 healthy) had at the start',
      'tier 0 (0 of 2 healthy) is no longer healthy enough: tier 2 (1 of 1 healthy) takes the calls',
      'tier 0 (2 of 2 healthy) takes the calls back from tier 2 (1 of 1 healthy)',
    ]);
  });
});

test('options out of range are refused by name, value and what is allowed', () => {
  const cases: [given: Record<string, unknown>, message: string][] = [
    [{ takeOver: 1.5 }, 'tiers.takeOver is 1.5: expected a number in 0..1'],
    [{ takeOver: Number.NaN }, 'tiers.takeOver is NaN: expected a number in 0..1'],
    [{ takeOver: 0.8, handBack: 0.7 }, 'tiers.handBack is 0.7: expected a number in 0.8..1'],
    [{ handBack: 2 }, 'tiers.handBack is 2: expected a number in 0.5..1'],
    [{ handBackAfter: -1 }, 'tiers.handBackAfter is -1: expected a number in 0..3600000'],
    [{ handback: 1 }, '"handback" is no option of tiers: expected some of takeOver, handBack, handBackAfter'],
  ];
  for (const [given, message] of cases)
    assert.throws(() => new World(given as Partial<TierOptions>), { name: 'RangeError', message });
  assert.doesNotThrow(() => new World({ takeOver: 0.9 }));
});

/** Does with a tiered balancer what a step says, and keeps the simplest possible record of how it must be then. */
class Model {
  readonly world: World;
  readonly nodes = Array.from({ length: 9 }, (_, i) => new FakeNode(`n${i}`, i % 3));
  readonly expected = new Set<FakeNode>();
  readonly connected = new Set<FakeNode>();
  /** For each tier, since when all shares seen were at least `handBack`. */
  readonly wellSince = new Map<number, number>();
  startedAt: number | undefined;

  constructor(name: (typeof balancerNames)[number], seed: number) {
    this.world = new World({ handBackAfter: 1_000 }, name, seed);
  }

  of(tier: number): { known: number; connected: number; healthy: number; share: number } {
    const known = this.nodes.filter((n) => n.tier === tier && (this.expected.has(n) || this.connected.has(n)));
    const connected = known.filter((node) => this.connected.has(node));
    const healthy = connected.filter((node) => node.healthy).length;
    return { known: known.length, connected: connected.length, healthy, share: healthy / known.length || 0 };
  }

  /** Whatever just happened: what is true afterwards. `before` was the active tier. */
  check(before: number | undefined): void {
    const { balancer, now, changes } = this.world;
    const tiers = [0, 1, 2].map((tier) => ({ tier, ...this.of(tier) }));
    const isEnough = (t: (typeof tiers)[number] | undefined) => t !== undefined && t.connected > 0 && t.share >= 0.5;
    for (const t of tiers) if (t.connected === 0 || t.share < 0.7) this.wellSince.delete(t.tier);
    assert.equal(balancer.size, this.connected.size);
    assert.equal(balancer.panicking, this.connected.size > 0 && tiers.every((t) => t.healthy === 0));
    for (const { tier, known, connected, healthy } of balancer.show())
      assert.deepEqual({ ...this.of(tier), share: 0 }, { known, connected, healthy, share: 0 });
    const active = tiers.find((t) => t.tier === balancer.active);
    if (this.connected.size > 0) assert.ok(active !== undefined && active.connected > 0);
    if (!isEnough(active)) {
      assert.ok(!tiers.some(isEnough));
      const share = active?.connected ? active.share : 0;
      assert.ok(!tiers.some((t) => t.connected > 0 && t.share > share));
    }
    if (before === balancer.active) return;
    const change = changes.at(-1)!;
    assert.equal(change.from?.tier, before);
    assert.equal(change.to.tier, balancer.active);
    if (change.cause === 'take-over') assert.ok(!isEnough(tiers[before!]));
    else assert.ok(before === undefined || balancer.active! < before);
    if (change.cause === 'start' && before !== undefined) assert.ok(now - (this.startedAt ?? now) < 1_000);
    if (change.cause === 'hand-back') assert.ok(now - this.wellSince.get(balancer.active!)! >= 1_000);
  }

  /** A tier that is well for long must have the calls, unless a better one has them. */
  checkPatience(): void {
    const { balancer, now } = this.world;
    for (const [tier, since] of this.wellSince) assert.ok(now - since <= 1_000 || balancer.active! <= tier);
  }

  checkPick(excluded: readonly FakeNode[]): void {
    const { balancer } = this.world;
    const picked = balancer.pick(excluded);
    assert.equal(picked === undefined, this.connected.size === 0);
    if (picked === undefined) return;
    assert.ok(this.connected.has(picked));
    const left = [...this.connected].filter((node) => !excluded.includes(node));
    assert.ok(left.length === 0 || left.includes(picked));
    if (balancer.panicking) return;
    const ranks = left.map((node) => node.tier).sort();
    const first = left.length === 0 || ranks.includes(balancer.active!) ? balancer.active : ranks[0];
    assert.equal(picked.tier, first);
  }
}

test('whatever happens, with any balancer: counts, the active tier, its changes and picks are what the rules say', () => {
  const step = fc.record({
    kind: fc.constantFrom(
      'expect',
      'forget',
      'add',
      'add',
      'remove',
      'health',
      'health',
      'tier',
      'pick',
      'pick',
      'time',
    ),
    node: fc.nat(8),
    tier: fc.nat(2),
    healthy: fc.boolean(),
    excluded: fc.array(fc.nat(8), { maxLength: 10 }),
    steps: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...balancerNames),
      fc.array(step, { maxLength: 120 }),
      fc.nat(),
      (name, steps, seed) => {
        const model = new Model(name, seed);
        const { world, nodes, expected, connected } = model;
        const { balancer } = world;
        for (const given of steps) {
          const node = nodes[given.node]!;
          const before = balancer.active;
          if (given.kind === 'pick') model.checkPick(given.excluded.map((i) => nodes[i]!));
          else if (given.kind === 'time') {
            for (let i = 0; i < given.steps; i++) {
              world.now += 100;
              const was = balancer.active;
              if (was !== undefined) model.startedAt ??= world.now;
              for (const tier of [0, 1, 2]) {
                const { connected: here, share } = model.of(tier);
                if (here > 0 && share >= 0.7 && !model.wellSince.has(tier)) model.wellSince.set(tier, world.now);
              }
              balancer.advance(world.now);
              model.check(was);
              model.checkPatience();
            }
          } else {
            if (given.kind === 'expect') expected.add(node);
            if (given.kind === 'add') connected.add(node);
            if (given.kind === 'remove' || given.kind === 'forget') connected.delete(node);
            if (given.kind === 'forget') expected.delete(node);
            if (given.kind === 'health') node.healthy = given.healthy;
            const known = expected.has(node) || connected.has(node);
            if (given.kind === 'tier' && known) node.tier = given.tier;
            if (given.kind === 'health' || given.kind === 'tier') balancer.update(node);
            else balancer[given.kind as 'expect' | 'forget' | 'add' | 'remove'](node);
            model.check(before);
          }
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
