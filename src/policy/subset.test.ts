import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { Subset, type SubsetNode } from './subset.ts';

const nodes = (count: number, tier = 0, prefix = 's'): SubsetNode[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${prefix}${i}`, tier }));
const clients = (count: number, size?: number) =>
  Array.from({ length: count }, (_, i) => new Subset(`client-${i}`, size));
const without = (from: Set<string>, other: Set<string>) => [...from].filter((id) => !other.has(id));

/** How many clients each server has. */
function connections(of: readonly Subset[], servers: readonly SubsetNode[]): number[] {
  const counts = new Map(servers.map(({ id }) => [id, 0]));
  for (const subset of of) for (const id of subset.choose(servers)) counts.set(id, counts.get(id)! + 1);
  return [...counts.values()];
}

const views = fc.uniqueArray(
  fc.record({
    id: fc.string({ minLength: 1, maxLength: 6 }),
    tier: fc.nat(3),
    down: fc.boolean(),
  }),
  { selector: (node) => node.id, maxLength: 80 },
);
const sizes = fc.integer({ min: 1, max: 12 });

describe('what a subset is', () => {
  test('of each tier `size` that are up, or all that are; members are known, and at most twice as many', () => {
    fc.assert(
      fc.property(views, sizes, fc.string(), (view, size, id) => {
        const members = new Subset(id, size).choose(view);
        for (const member of members) assert.ok(view.some((node) => node.id === member));
        for (const tier of [0, 1, 2, 3]) {
          const all = view.filter((node) => node.tier === tier);
          const chosen = all.filter((node) => members.has(node.id));
          const up = all.filter((node) => !node.down).length;
          assert.equal(chosen.filter((node) => !node.down).length >= Math.min(size, up), true);
          assert.ok(chosen.length >= Math.min(size, all.length) && chosen.length <= 2 * size);
          if (up === all.length) assert.equal(chosen.length, Math.min(size, all.length));
        }
      }),
    );
  });

  test('the same for the same client and servers, whatever their order and whatever was chosen before', () => {
    fc.assert(
      fc.property(views, views, sizes, fc.string(), (before, view, size, id) => {
        const subset = new Subset(id, size);
        subset.choose(before);
        assert.deepEqual(subset.choose([...view].reverse()), new Set(new Subset(id, size).choose(view)));
      }),
    );
  });

  test('another client, another subset', () => {
    const [a, b] = clients(2);
    const view = nodes(200);
    assert.notDeepEqual(a!.choose(view), b!.choose(view));
  });

  test('up to `size` servers: all; and by default 20 of more', () => {
    const [subset] = clients(1);
    assert.equal(subset!.choose([]).size, 0);
    assert.equal(subset!.choose(nodes(20)).size, 20);
    assert.equal(subset!.choose(nodes(21)).size, 20);
    assert.equal(new Subset('c', Infinity).choose(nodes(500)).size, 500);
  });

  test('backups are chosen apart: however many primaries there are, a backup is a member', () => {
    const view = [...nodes(1_000), ...nodes(3, 2, 'b')];
    for (const subset of clients(20)) {
      const members = subset.choose(view);
      assert.equal(members.size, 23);
      for (const id of ['b0', 'b1', 'b2']) assert.ok(members.has(id));
    }
  });
});

describe('churn', () => {
  test('one server more or less changes at most one member', () => {
    fc.assert(
      fc.property(views, sizes, fc.string(), fc.nat(), (view, size, id, at) => {
        fc.pre(view.length > 0);
        const subset = new Subset(id, size);
        const gone = view[at % view.length]!;
        const before = subset.choose(view);
        const after = subset.choose(view.filter((node) => node !== gone));
        // Where servers are down, one that is may come in besides, and one that stood in for the gone one leave.
        const most = view.some((node) => node.down) ? 2 : 1;
        assert.ok(without(after, before).length <= most);
        assert.ok(without(before, after).length <= most);
        if (!before.has(gone.id)) assert.deepEqual(after, before);
      }),
    );
  });

  test('one server that goes down keeps its place; at most one other stands in, and leaves when it is back', () => {
    fc.assert(
      fc.property(views, sizes, fc.string(), fc.nat(), (view, size, id, at) => {
        const up = view.filter((node) => !node.down);
        fc.pre(up.length > 0);
        const subset = new Subset(id, size);
        const failing = up[at % up.length]!;
        const before = subset.choose(view);
        const after = subset.choose(view.map((node) => (node === failing ? { ...node, down: true } : node)));
        assert.ok(without(after, before).length <= 1);
        assert.ok(without(before, after).every((gone) => gone === failing.id));
        assert.deepEqual(subset.choose(view), before);
      }),
    );
  });

  test('half of the servers down: each client still has as many that are up', () => {
    const view = nodes(200).map((node, i) => ({ ...node, down: i % 2 === 0 }));
    for (const subset of clients(50)) {
      const members = subset.choose(view);
      assert.equal(view.filter((node) => !node.down && members.has(node.id)).length, 20);
      assert.ok(members.size <= 40);
    }
  });

  test('from 50 servers to 200, a client keeps every fourth member and dials 15: no fewer would share evenly', () => {
    let kept = 0;
    for (const subset of clients(50)) {
      const before = subset.choose(nodes(50));
      const after = subset.choose(nodes(200));
      const old = [...after].filter((id) => before.has(id)).length;
      // Old servers that are members now were members before: nothing moves among the old ones.
      assert.equal(old, [...after].filter((id) => Number(id.slice(1)) < 50).length);
      kept += old;
    }
    // 50 draws of 20 x 50/200, five standard deviations of their mean.
    assert.ok(Math.abs(kept / 50 - 5) < 1.3, `${kept / 50}`);
  });
});

describe('spread', () => {
  // The bounds are what chance allows: the binomial's mean and deviation, times what the most of so many servers has. Ids are
  // fixed, so that these fail always or never.
  const cases: [clients: number, servers: number, most: number][] = [
    [50, 100, 2.2],
    [50, 200, 2.8],
    [300, 21, 1.05],
    [1_000, 200, 1.4],
  ];
  for (const [count, servers, most] of cases) {
    test(`${count} clients, ${servers} servers: none has more than ${most} x the mean`, () => {
      const counts = connections(clients(count), nodes(servers));
      const mean = (count * 20) / servers;
      assert.ok(Math.max(...counts) <= most * mean, `${Math.max(...counts)} of ${mean}`);
      const variance = counts.reduce((sum, n) => sum + (n - mean) ** 2, 0) / servers;
      const drawn = mean * (1 - 20 / servers);
      // The variance of a variance: sqrt(2 / servers), five times.
      assert.ok(variance <= drawn * (1 + 5 * Math.sqrt(2 / servers)), `${variance} of ${drawn}`);
    });
  }

  test('the more clients, the more even', () => {
    const spread = (count: number) => Math.max(...connections(clients(count), nodes(100))) / (count / 5);
    assert.ok(spread(2_000) < spread(200) && spread(200) < spread(20));
  });

  test('ids that are alike (one digit of an address) spread as well', () => {
    const view = Array.from({ length: 200 }, (_, i) => ({ id: `10.1.7.${i}:7000`, tier: 0 }));
    const counts = connections(clients(2_000), view);
    assert.ok(Math.max(...counts) < 1.4 * 200 && Math.min(...counts) > 0.6 * 200);
  });

  test('members of one client are spread over all that another has: subsets are drawn apart', () => {
    const random = seeded(4);
    const view = Array.from({ length: 100 }, () => ({ id: `${random()}`, tier: 0 }));
    const chosen = clients(100).map((subset) => subset.choose(view));
    let common = 0;
    for (const a of chosen) for (const b of chosen) if (a !== b) common += [...a].filter((id) => b.has(id)).length;
    const mean = common / (100 * 99);
    assert.ok(Math.abs(mean - 4) < 0.1, `${mean}: expected 20 x 20/100`);
  });
});

test('a size that cannot be is refused with a sentence', () => {
  for (const size of [0, -1, 1.5, 10_001, Number.NaN, -Infinity, '20' as unknown as number])
    assert.throws(() => new Subset('c', size), {
      name: 'RangeError',
      message: `subset is ${size}: expected a whole number in 1..10000, or Infinity`,
    });
  assert.equal(new Subset('c', 1).choose(nodes(3)).size, 1);
  assert.equal(new Subset('c', 10_000).choose(nodes(3)).size, 3);
});
