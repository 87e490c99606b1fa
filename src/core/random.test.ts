import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshId, jitter, seeded } from './random.ts';

test('the same seed gives the same numbers, another seed others', () => {
  const take = (seed: number) => Array.from({ length: 50 }, seeded(seed));
  assert.deepEqual(take(1), take(1));
  assert.notDeepEqual(take(1), take(2));
});

test('the numbers are in [0, 1) and evenly spread', () => {
  const random = seeded(3);
  const tenths = new Array(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const value = random();
    assert.ok(value >= 0 && value < 1);
    tenths[Math.floor(value * 10)]++;
  }
  for (const count of tenths) assert.ok(count > 9_500 && count < 10_500, `${tenths}`);
});

test('jitter stays within its spread on both sides, and reaches both ends', () => {
  assert.equal(
    jitter(500, 0.2, () => 0),
    400,
  );
  assert.equal(
    jitter(500, 0.2, () => 0.5),
    500,
  );
  assert.ok(jitter(500, 0.2, () => 0.999_999) <= 600);
});

test('an id is sixteen hex digits, and never the same', () => {
  const ids = new Set(Array.from({ length: 1_000 }, freshId));
  assert.equal(ids.size, 1_000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{16}$/);
});
