import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BalancerName, balancerNames } from './balance/index.ts';
import { FakeNode, World } from './tiers.test-support.ts';

/** Does with a tiered balancer what a step says, and keeps the simplest possible record of how it must be then. */
class Model {
  readonly world: World;
  readonly nodes = Array.from({ length: 9 }, (_, i) => new FakeNode(`n${i}`, i % 3));
  readonly expected = new Set<FakeNode>();
  readonly connected = new Set<FakeNode>();
  /** For each tier, since when all shares seen were at least `handBack`. */
  readonly wellSince = new Map<number, number>();
  startedAt: number | undefined;

  constructor(name: BalancerName, seed: number) {
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
    for (const t of tiers) if (t.connected === 0 || t.share < 2 / 3) this.wellSince.delete(t.tier);
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
                if (here > 0 && share >= 2 / 3 && !model.wellSince.has(tier)) model.wellSince.set(tier, world.now);
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
