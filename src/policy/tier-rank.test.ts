import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { makeBalancer } from './balance/index.ts';
import { rankTiers, type TierFacts, type TierNode, type TierPreference, tierOf } from './tier-rank.ts';
import { type Tiered, TieredBalancer } from './tiers.ts';

const table: [facts: TierFacts, preference: TierPreference, tier: number][] = [
  [{}, {}, 0],
  [{ backup: false }, {}, 0],
  [{ zone: 'a', tags: ['x'] }, {}, 0],
  [{ backup: true }, {}, 2],
  [{ zone: 'a' }, { zone: 'a' }, 0],
  [{ zone: 'b' }, { zone: 'a' }, 1],
  [{}, { zone: 'a' }, 1],
  [{ backup: true, zone: 'a' }, { zone: 'a' }, 2],
  [{ backup: true, zone: 'b' }, { zone: 'a' }, 3],
  [{ tags: ['x', 'y'] }, { tags: ['y'] }, 0],
  [{ tags: ['x', 'y'] }, { tags: ['y', 'z'] }, 1],
  [{ tags: ['x'] }, { tags: [] }, 0],
  [{}, { tags: ['x'] }, 1],
  [{ backup: true, tags: ['x'] }, { tags: ['x'] }, 2],
  [{ zone: 'a', tags: ['x'] }, { zone: 'a', tags: ['x'] }, 0],
  [{ zone: 'b', tags: ['x'] }, { zone: 'a', tags: ['x'] }, 1],
  [{ zone: 'a', tags: ['y'] }, { zone: 'a', tags: ['x'] }, 1],
];
for (const [facts, preference, tier] of table) {
  test(`${JSON.stringify(facts)} for a client that prefers ${JSON.stringify(preference)}: tier ${tier}`, () => {
    assert.equal(tierOf(facts, preference), tier);
  });
}

/** Servers of zones, so many each. */
function zones(counts: Readonly<Record<string, number>>, weight = 1024): TierNode[] {
  return Object.entries(counts).flatMap(([zone, count]) =>
    Array.from({ length: count }, (_, i) => ({ id: `${zone}${i}`, weight, zone: zone === '-' ? undefined : zone })),
  );
}

/**
 * The load on each server over what it would be without zones, when as many calls come from each zone: computed, with so many
 * clients in each, each of which shares its calls by weight over its first tier.
 */
function loads(nodes: readonly TierNode[], clients: number, overload?: number): Map<string, number> {
  const load = new Map(nodes.map(({ id }) => [id, 0]));
  const names = new Set(nodes.map((node) => node.zone).filter((zone) => zone !== undefined));
  const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
  for (const zone of names) {
    for (let i = 0; i < clients; i++) {
      const tiers = rankTiers(nodes, { zone }, `${zone}-client-${i}`, overload);
      const first = nodes.filter(({ id }) => tiers.get(id) === 0);
      const weight = first.reduce((sum, node) => sum + node.weight, 0);
      // What the server gets of this client, over its fair share of all: of both, the server's own weight falls out.
      for (const { id } of first) load.set(id, load.get(id)! + total / weight / clients / names.size);
    }
  }
  return load;
}

describe('the share rule', () => {
  const worlds: Readonly<Record<string, number>>[] = [
    { a: 1, b: 10, c: 10 },
    { a: 1, b: 4, c: 16 },
    { a: 2, b: 2, c: 10, d: 18 },
    { a: 1, b: 29 },
    { a: 1, b: 1, c: 1 },
    { a: 7, b: 7, c: 6 },
    { a: 1, '-': 20 },
    { a: 1, b: 3, '-': 5 },
    { a: 3, b: 50, c: 60 },
  ];
  for (const world of worlds) {
    const total = Object.values(world).reduce((sum, count) => sum + count, 0);
    test(`${JSON.stringify(world)}: no server gets over 1.2 x its fair share`, () => {
      const load = loads(zones(world), 400);
      // What stands in is drawn: of 400 clients in each zone its share deviates by some per cent.
      for (const [id, share] of load) assert.ok(share <= 1.2 * 1.12, `${id}: ${share}`);
      const sum = [...load.values()].reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(sum - total) < 1e-6, 'all calls are somewhere');
    });
  }

  for (const world of worlds.slice(0, 4)) {
    test(`${JSON.stringify(world)}: with no overload allowed, every server gets its fair share`, () => {
      for (const [id, share] of loads(zones(world), 400, 1)) assert.ok(Math.abs(share - 1) < 0.12, `${id}: ${share}`);
    });
  }

  test('without it the one server of a small zone would get seven times its fair share', () => {
    const load = loads(zones({ a: 1, b: 10, c: 10 }), 10, Infinity);
    assert.ok(Math.abs(load.get('a0')! - 7) < 1e-9);
  });

  test('weights, not servers, are counted', () => {
    const nodes = [...zones({ a: 1 }, 10_240), ...zones({ b: 10, c: 10 })];
    const first = [...rankTiers(nodes, { zone: 'a' }, 'c')].filter(([, tier]) => tier === 0).map(([id]) => id);
    assert.deepEqual(first, ['a0']);
    const small = [...zones({ a: 10 }, 64), ...zones({ b: 10, c: 10 })];
    for (const share of loads(small, 400).values()) assert.ok(share <= 1.2 * 1.12, `${share}`);
  });

  test('a zone that is large enough is used alone, and one a little too small as well', () => {
    for (const world of [
      { a: 5, b: 5, c: 5 },
      { a: 10, b: 2, c: 3 },
      { a: 6, b: 7, c: 7 },
    ]) {
      const tiers = rankTiers(zones(world), { zone: 'a' }, 'c');
      for (const [id, tier] of tiers) assert.equal(tier, id.startsWith('a') ? 0 : 1);
    }
  });

  test('stand-ins come from zones with more than their part only, and differ by client', () => {
    const nodes = zones({ a: 1, b: 4, c: 16 });
    const chosen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const first = [...rankTiers(nodes, { zone: 'a' }, `${i}`)].filter(([, tier]) => tier === 0).map(([id]) => id);
      // 21 / (3 x 1.2) = 5.8: the own one and five more.
      assert.equal(first.length, 6);
      for (const id of first) chosen.add(id);
    }
    assert.deepEqual(
      [...chosen].filter((id) => id.startsWith('b')),
      [],
    );
    assert.equal(chosen.size, 17);
  });

  test('the larger the overload allowed, the fewer stand in', () => {
    const count = (overload: number) =>
      [...rankTiers(zones({ a: 1, b: 10, c: 10 }), { zone: 'a' }, 'c', overload).values()].filter((t) => t === 0)
        .length;
    assert.deepEqual([1, 1.2, 2, 7, Infinity].map(count), [7, 6, 4, 1, 1]);
  });

  test('a zone without any server is no preference; the tags still are', () => {
    const nodes = [
      { id: 'x', weight: 1, zone: 'b', tags: ['blue'] },
      { id: 'y', weight: 1, zone: 'c', tags: ['green'] },
      { id: 'z', weight: 1, zone: 'a', tags: ['green'] },
    ];
    assert.deepEqual([...rankTiers(nodes, { zone: 'a', tags: ['blue'] }, 'c').values()], [0, 1, 1]);
  });

  test('backups are looked at apart', () => {
    const nodes = [
      ...zones({ a: 4, b: 4 }),
      ...zones({ a: 1, b: 19 }).map((node) => ({ ...node, id: `backup-${node.id}`, backup: true })),
    ];
    const tiers = [...rankTiers(nodes, { zone: 'a' }, 'c').values()];
    // Of 20 backups in two zones a client uses at least 20 / 2.4 = 8.3.
    assert.deepEqual(
      [0, 1, 2, 3].map((tier) => tiers.filter((t) => t === tier).length),
      [4, 4, 9, 11],
    );
  });

  test('an overload that cannot be is refused', () => {
    for (const overload of [0.9, 101, Number.NaN])
      assert.throws(() => rankTiers([], {}, 'c', overload), {
        name: 'RangeError',
        message: `zoneOverload is ${overload}: expected a number in 1..100`,
      });
  });
});

test('whatever there is: stand-ins are all that differs from the table, only enough of them, and the same each time', () => {
  const node = fc.record({
    zone: fc.constantFrom('a', 'b', 'c', undefined),
    tags: fc.subarray(['x', 'y']),
    backup: fc.boolean(),
    weight: fc.constantFrom(1, 512, 1024, 65_536),
  });
  const preference = fc.record({
    zone: fc.constantFrom('a', 'b', 'none', undefined),
    tags: fc.option(fc.subarray(['x', 'y']), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(node, { maxLength: 30 }), preference, fc.string(), (facts, prefers, client) => {
      const nodes = facts.map((fact, i) => ({ ...fact, id: `${i}` }));
      const tiers = rankTiers(nodes, prefers, client);
      assert.deepEqual(rankTiers([...nodes].reverse(), prefers, client).size, nodes.length);
      const standIns = nodes.filter((n) => tiers.get(n.id) !== tierOf(n, prefers));
      for (const n of standIns) assert.equal(tiers.get(n.id), tierOf(n, prefers) - 1);
      for (const n of standIns)
        assert.ok((prefers.tags ?? []).every((tag) => n.tags.includes(tag)) && n.zone !== prefers.zone);
      if (prefers.zone === undefined) assert.equal(standIns.length, 0);
      for (const backup of [false, true]) {
        const pool = nodes.filter(
          (n) => n.backup === backup && (prefers.tags ?? []).every((tag) => n.tags.includes(tag)),
        );
        const zones = new Set<string>(pool.map((n) => n.zone).filter((zone) => zone !== undefined));
        if (prefers.zone === undefined || !zones.has(prefers.zone)) continue;
        const weigh = (of: readonly TierNode[]) => of.reduce((sum, n) => sum + n.weight, 0);
        const own = weigh(pool.filter((n) => n.zone === prefers.zone));
        const needed = weigh(pool) / zones.size / 1.2;
        const chosen = standIns.filter((n) => n.backup === backup);
        assert.ok(own + weigh(chosen) >= needed * (1 - 1e-9));
        if (chosen.length > 0) assert.ok(own + weigh(chosen) - Math.max(...chosen.map((n) => n.weight)) < needed);
      }
      const again = rankTiers([...nodes].reverse(), prefers, client);
      for (const { id } of nodes) assert.equal(again.get(id), tiers.get(id));
    }),
  );
});

test('two active groups, each the reserve of the other', () => {
  class FakeNode implements Tiered {
    readonly weight = 1024;
    readonly inFlight = 0;
    healthy = true;
    readonly id: string;
    readonly tier: number;
    constructor(id: string, tier: number) {
      this.id = id;
      this.tier = tier;
    }
  }
  const servers = ['blue', 'blue', 'green', 'green'].map((tag, i) => ({ id: `${tag}-${i}`, tags: [tag] }));
  for (const [own, other] of [
    ['blue', 'green'],
    ['green', 'blue'],
  ]) {
    const balancer = new TieredBalancer<FakeNode>(() => makeBalancer('p2c', seeded(1)));
    const nodes = servers.map((server) => new FakeNode(server.id, tierOf(server, { tags: [own!] })));
    for (const node of nodes) {
      balancer.expect(node);
      balancer.add(node);
    }
    for (let i = 0; i < 20; i++) assert.ok(balancer.pick([])!.id.startsWith(own!));
    for (const node of nodes.filter(({ id }) => id.startsWith(own!))) balancer.remove(node);
    for (let i = 0; i < 20; i++) assert.ok(balancer.pick([])!.id.startsWith(other!));
  }
});
