import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '../core/random.ts';
import { makeBalancer } from './balance/index.ts';
import { FakeNode, World } from './tiers.test-support.ts';
import { TieredBalancer } from './tiers.ts';
import { tierChangeText } from './tiers-change.ts';

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
    const nodes = [...world.join(0, 3), ...world.join(1, 1, 64), ...world.join(2, 2, 1)];
    world.settle();
    for (const node of nodes) {
      assert.equal(world.balancer.panicking, false);
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
      assert.equal(world.balancer.pick([p0, p0]), p1);
      assert.equal(world.balancer.pick([p0, p1, p0]), q0);
      assert.equal(world.balancer.pick([q0, p1, p0]), b0);
      assert.equal(world.balancer.pick(all)?.tier, 0);
    }
  });

  test('the rest of the active tier comes first even when a better tier has nodes', () => {
    const world = new World();
    const [primary] = world.join(0, 1);
    const [b0, b1] = world.join(2, 2);
    world.settle();
    world.health(primary!, false);
    for (let i = 0; i < 20; i++) {
      assert.equal(world.balancer.pick([b0!]), b1);
      assert.equal(world.balancer.pick([b0!, b1!]), primary);
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

  test('what changes together is judged together, also when a change is refused', () => {
    const world = new World();
    const { balancer } = world;
    const primaries = world.join(0, 2);
    world.join(2, 1);
    world.settle();
    world.health(primaries[0]!, false);
    const fresh = [new FakeNode('new1', 0), new FakeNode('new2', 0)];
    const bad = new FakeNode('bad', 0);
    bad.weight = 0;
    balancer.together(() => {
      balancer.together(() => balancer.expect(fresh[0]!));
      // The inner one is over, the fact is not.
      balancer.expect(fresh[1]!);
      for (const node of fresh) balancer.add(node);
    });
    assert.equal(balancer.size, 5);
    assert.deepEqual(world.causes, []);
    assert.throws(() => balancer.together(() => balancer.add(bad)), RangeError);
    balancer.together(() => {
      for (const node of [...fresh, primaries[1]!]) balancer.remove(node);
      assert.deepEqual(world.causes, []);
    });
    assert.deepEqual(world.causes, ['take-over 0>2']);
    balancer.add(fresh[0]!);
    assert.equal(balancer.size, 3);
  });

  test('a node that is not here is none of its business', () => {
    const world = new World();
    world.join(0, 2);
    const before = world.balancer.show();
    const stranger = new FakeNode('x', 1);
    world.balancer.remove(stranger);
    world.balancer.update(stranger);
    world.balancer.forget(stranger);
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
    let made = 0;
    const asked = new Set<number>();
    world.balancer.replace(() => {
      const inner = makeBalancer<FakeNode>('random', seeded(9));
      const pick = inner.pick.bind(inner);
      const number = made++;
      inner.pick = (excluded) => {
        asked.add(number);
        return pick(excluded);
      };
      return inner;
    });
    assert.deepEqual(world.balancer.show(), before);
    assert.equal(world.balancer.active, 2);
    assert.deepEqual(world.used, [2]);
    assert.equal(world.balancer.pick(backups), primary);
    for (const node of backups) world.health(node, false);
    assert.equal(new Set(Array.from({ length: 100 }, () => world.balancer.pick([]))).size, 3);
    // One for each tier, and the one for panic: all of the new kind.
    assert.deepEqual([made, asked.size], [3, 3]);
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
