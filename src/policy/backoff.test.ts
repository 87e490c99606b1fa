import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { backoff } from './backoff.ts';

const ranges: [failures: number, from: number, to: number][] = [
  [0, 50, 50],
  [1, 50, 100],
  [2, 50, 200],
  [5, 50, 1_600],
  [6, 50, 2_000],
  [5_000, 50, 2_000],
];

for (const [failures, from, to] of ranges) {
  test(`after ${failures} failures: from ${from} to ${to} ms`, () => {
    assert.equal(
      backoff(failures, undefined, () => 0),
      from,
    );
    assert.equal(
      backoff(failures, undefined, () => 1),
      to,
    );
  });
}

test('a longest wait shorter than the shortest wins', () => {
  assert.equal(
    backoff(3, { base: 50, max: 20 }, () => 0.5),
    20,
  );
});

test('never outside base..max', () => {
  fc.assert(
    fc.property(
      fc.nat(2_000),
      fc.integer({ min: 1, max: 500 }),
      fc.nat(5_000),
      fc.nat(),
      (failures, base, more, seed) => {
        const wait = backoff(failures, { base, max: base + more }, seeded(seed));
        assert.ok(wait >= base && wait <= base + more, `${wait}`);
      },
    ),
  );
});
