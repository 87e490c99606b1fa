import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HedgeDelay } from './hedge.ts';

function after(latencies: readonly number[], now = 0): number {
  const hedge = new HedgeDelay();
  for (const ms of latencies) hedge.record(ms, now);
  return hedge.delay(now);
}

const many = (count: number, ms: number): number[] => new Array(count).fill(ms);

const cases: [what: string, latencies: number[], delay: number][] = [
  ['nothing known', [], 400],
  ['31 fast answers are too few', many(31, 1), 400],
  ['a fast method', many(32, 1), 100],
  ['p99 of 30 ms: three times that is below 100', many(1_000, 30), 100],
  ['p99 of 50 ms, in the bucket up to 52', many(1_000, 50), 156],
  ['p99 of 100 ms, in the bucket up to 104', many(1_000, 100), 312],
  ['p99 of 133 ms', many(1_000, 133), 400],
  ['p99 of 300 ms', many(1_000, 300), 400],
  ['p99 of 400 ms, in the bucket that ends there', many(1_000, 400), 400],
  ['a method that is slow as a rule, in the bucket from 500 to 625', many(1_000, 600), 625],
  ['the first answer of a slow method', [600], 625],
  ['one of 20 is slow', [...many(95, 1), ...many(5, 2_000)], 400],
  ['more than one of 20 is', [...many(94, 1), ...many(6, 1_900)], 400 * 1.25 ** 7],
  ['one in a hundred is slow: not yet the p99', [...many(99, 1), 1_000], 100],
  ['two in a hundred are slow', [...many(98, 1), 1_000, 1_000], 400],
  ['a clock that went back is a fast answer', many(32, -5), 100],
];

for (const [what, latencies, delay] of cases) {
  test(`${what}: ${delay} ms`, () => assert.equal(after(latencies), delay));
}

test('two windows of 10 s count, an older one does not', () => {
  const hedge = new HedgeDelay();
  for (const ms of many(100, 1)) hedge.record(ms, 5_000);
  assert.equal(hedge.delay(14_999), 100, 'in its own window');
  assert.equal(hedge.delay(15_000), 100, 'in the next');
  assert.equal(hedge.delay(24_999), 100);
  assert.equal(hedge.delay(25_000), 400, 'forgotten');
});

test('the slow ones of the window before count on', () => {
  const hedge = new HedgeDelay();
  for (const ms of many(50, 90)) hedge.record(ms, 0);
  for (const ms of many(50, 1)) hedge.record(ms, 12_000);
  assert.equal(hedge.delay(12_000), 276);
  assert.equal(hedge.delay(22_000), 100, 'two windows later they do not');
  for (const ms of many(50, 1)) hedge.record(ms, 22_000);
  assert.equal(hedge.delay(22_000), 100);
});

test('after a pause the windows begin anew', () => {
  const hedge = new HedgeDelay();
  for (const ms of many(50, 90)) hedge.record(ms, 0);
  for (const ms of many(50, 90)) hedge.record(ms, 11_000);
  for (const ms of many(31, 1)) hedge.record(ms, 90_000);
  assert.equal(hedge.delay(90_000), 400, '31 are too few');
  hedge.record(1, 90_000);
  assert.equal(hedge.delay(90_000), 100, 'none of the old ones counts');
});

test('that a method is slow is remembered where it is seldom called', () => {
  const hedge = new HedgeDelay();
  hedge.record(600, 0);
  assert.equal(hedge.delay(3_600_000), 625);
  hedge.record(600, 3_600_000);
  assert.equal(hedge.delay(3_600_000), 625);
});

test('that a method was slow is forgotten after two windows with answers', () => {
  const hedge = new HedgeDelay();
  hedge.record(600, 0);
  for (const at of [20_000, 40_000]) for (const ms of many(19, 1)) hedge.record(ms, at);
  assert.equal(hedge.delay(40_000), 400);
});

test('a slow method is sent twice in one call of 20 at most', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 80_000, noNaN: true }), { minLength: 1, maxLength: 300 }),
      (latencies) => {
        const delay = after(latencies);
        if (delay < 400) return;
        const late = latencies.filter((ms) => ms > delay).length;
        assert.ok(late <= latencies.length / 20, `${late} of ${latencies.length} take longer than ${delay}`);
        const earlier = latencies.filter((ms) => ms > Math.max(400, delay / 1.25)).length;
        assert.ok(delay === 400 || earlier > Math.floor(latencies.length / 20), 'it could be sooner');
      },
    ),
  );
});

test('of a method that is not slow within 100..400 ms, and at most 12 ms above three times the exact p99', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 32, maxLength: 300 }),
      (latencies) => {
        const delay = after(latencies);
        const sorted = [...latencies].sort((a, b) => b - a);
        const p99 = sorted[Math.floor(latencies.length / 100)]!;
        const exact = Math.min(400, Math.max(100, 3 * p99));
        assert.ok(delay >= exact && delay <= exact + 12, `${delay}, exact ${exact}`);
        assert.ok(delay <= 400);
      },
    ),
  );
});
