import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { dialDelays, dialWindow } from './dial-plan.ts';
import { Subset } from './subset.ts';

const windows: [count: number, served: boolean, window: number][] = [
  [1, true, 200],
  [10, true, 200],
  [15, true, 300],
  [100, true, 2_000],
  [5_000, true, 2_000],
  [1, false, 20],
  [3, false, 60],
  [150, false, 2_000],
];
for (const [count, served, window] of windows) {
  test(`${count} new servers, ${served ? 'served' : 'without a connection'}: within ${window} ms`, () => {
    assert.equal(dialWindow(count, served), window);
  });
}

const counts = fc.integer({ min: 1, max: 400 });

test('a delay for each, in the window, at most two in any span of window / count; at once only for who has no connection', () => {
  fc.assert(
    fc.property(counts, fc.boolean(), fc.nat(), (count, served, seed) => {
      const delays = dialDelays(count, served, seeded(seed));
      assert.equal(delays.length, count);
      const window = dialWindow(count, served);
      const sorted = [...delays].sort((a, b) => a - b);
      assert.ok(sorted[0]! >= 0 && sorted.at(-1)! <= window);
      assert.equal(sorted[0] === 0, !served);
      for (let i = 2; i < count; i++) assert.ok(sorted[i]! - sorted[i - 2]! > (window / count) * (1 - 1e-9));
    }),
  );
});

test('nothing new, nothing to dial', () => {
  assert.deepEqual(dialDelays(0, true, seeded(1)), []);
  assert.deepEqual(dialDelays(0, false, seeded(1)), []);
});

test('a server is dialled at any moment of the window, wherever it stands in the list', () => {
  const tenths = Array.from({ length: 5 }, () => new Array<number>(10).fill(0));
  for (let seed = 0; seed < 5_000; seed++) {
    dialDelays(5, true, seeded(seed)).forEach((delay, i) => {
      tenths[i]![Math.floor(delay / 20)]!++;
    });
  }
  // 500 each, +-21; five standard deviations.
  for (const n of tenths.flat()) assert.ok(Math.abs(n - 500) < 107, tenths.map((row) => row.join(' ')).join('; '));
});

test('clients without a connection begin with different servers', () => {
  const firsts = Array.from({ length: 300 }, (_, seed) => dialDelays(3, false, seeded(seed)).indexOf(0));
  for (const server of [0, 1, 2]) assert.ok(Math.abs(firsts.filter((i) => i === server).length - 100) < 41);
});

/** When each new server is dialled by these clients, that all learn of all new ones at time 0. */
function dialled(clients: number, before: number, after: number, size: number): number[][] {
  const random = seeded(11);
  const servers = Array.from({ length: after }, (_, i) => ({ id: `10.0.0.${i}:7000`, tier: 0 }));
  const times = new Map(servers.slice(before).map(({ id }) => [id, [] as number[]]));
  for (let i = 0; i < clients; i++) {
    const subset = new Subset(`client-${i}`, size);
    const had = subset.choose(servers.slice(0, before));
    const fresh = [...subset.choose(servers)].filter((id) => !had.has(id));
    const delays = dialDelays(fresh.length, before > 0, random);
    for (const [j, id] of fresh.entries()) times.get(id)!.push(delays[j]!);
  }
  return [...times.values()];
}

/** The most dials that one server sees in any 100 ms. */
function hottest(times: readonly number[][]): number {
  const after = (of: readonly number[], from: number) => of.filter((at) => at >= from && at < from + 100).length;
  return Math.max(...times.map((of) => Math.max(...of.map((from) => after(of, from)))));
}

/** How likely it is that at least `k` of `n` independent events happen that are `p` likely each. */
function tail(n: number, p: number, k: number): number {
  let term = (1 - p) ** n;
  let below = 0;
  for (let i = 0; i < k; i++) {
    below += term;
    term *= ((n - i) / (i + 1)) * (p / (1 - p));
  }
  return Math.max(0, 1 - below);
}

describe('no herd: dials that one new server sees in any 100 ms', () => {
  const cases: [clients: number, before: number, after: number, size: number, most: number][] = [
    [50, 50, 200, 20, 10],
    [50, 50, 200, Infinity, 14],
    [50, 3, 4, 20, 42],
    [1_000, 3, 4, 20, 580],
    [1_000, 50, 200, 20, 70],
  ];
  for (const [clients, before, after, size, most] of cases) {
    test(`${clients} clients, ${before} -> ${after} servers, subsets of ${size}: at most ${most}`, () => {
      const times = dialled(clients, before, after, size);
      assert.ok(times.every((of) => of.length > 0 || size === 20));
      assert.ok(hottest(times) <= most, `${hottest(times)}`);
    });
  }

  test('the bound is that of a draw: each dial is in a given 100 ms with the likelihood 100 / window', () => {
    const times = dialled(50, 50, 200, Infinity);
    const spans = times.flat().length;
    const part = 100 / dialWindow(150, true);
    let bound = 1;
    // By chance more than this happens in one run of a thousand, in any of the spans that begin with a dial.
    while (spans * tail(49, part, bound) > 1 / 1_000) bound++;
    assert.ok(hottest(times) <= bound + 1, `${hottest(times)} of ${bound + 1}`);
    // All at once it would be 50.
    assert.ok(bound < 20);
  });
});
