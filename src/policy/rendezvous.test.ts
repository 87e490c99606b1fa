import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rendezvous } from './rendezvous.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 });

test('in [0, 1), and the same for the same seed and id', () => {
  fc.assert(
    fc.property(text, text, (seed, id) => {
      const place = rendezvous(seed)(id);
      assert.ok(place >= 0 && place < 1);
      assert.equal(rendezvous(seed)(id), place);
    }),
  );
});

test('a seed and an id are not one text', () => {
  assert.notEqual(rendezvous('client-1')('2'), rendezvous('client-')('12'));
});

// Ids as they come: addresses and names that differ in one digit.
const seeds = Array.from({ length: 300 }, (_, i) => `gateway-${i}`);
const ids = Array.from({ length: 300 }, (_, i) => `10.0.${Math.floor(i / 100)}.${i % 100}:7000`);
const places = seeds.map((seed) => ids.map(rendezvous(seed)));

/** How far counts are from even: 1 is what chance makes of it. */
function unevenness(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0) / (counts.length - 1);
}

test('even over all seeds and ids, in the high digits and in the low ones', () => {
  for (const scale of [1, 2 ** 20]) {
    const counts = new Array<number>(1_000).fill(0);
    for (const place of places.flat()) counts[Math.floor(((place * scale) % 1) * 1_000)]!++;
    // 1,000 counts: 1 +-0.045; five standard deviations.
    assert.ok(Math.abs(unevenness(counts) - 1) < 0.23, `${unevenness(counts)}`);
  }
});

test('a place for one seed says nothing of the place for another, nor of another id', () => {
  const cells = new Array<number>(400).fill(0);
  const cell = (a: number, b: number) => Math.floor(a * 20) * 20 + Math.floor(b * 20);
  for (let i = 1; i < seeds.length; i++) {
    for (let j = 1; j < ids.length; j++) {
      cells[cell(places[i]![j]!, places[i - 1]![j]!)]!++;
      cells[cell(places[i]![j]!, places[i]![j - 1]!)]!++;
    }
  }
  assert.ok(Math.abs(unevenness(cells) - 1) < 0.36, `${unevenness(cells)}`);
});
