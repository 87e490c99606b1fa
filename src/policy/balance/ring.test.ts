import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashText, mix } from './hash-text.ts';
import { Ring } from './ring.ts';

/** The ring as a sorted list, said by its rules. */
function naiveRing(ids: readonly string[], each: number): { place: number; id: string }[] {
  const points = ids.flatMap((id) =>
    Array.from({ length: each }, (_, k) => ({
      place: mix(hashText(id, 1) + Math.imul(k, hashText(id, 2) | 1)),
      id,
    })),
  );
  return points.sort((a, b) => a.place - b.place || (a.id < b.id ? -1 : 1));
}

/** All points from a place on, once round. */
function walk(ring: Ring, place: number, count: number): { place: number; slot: number }[] {
  const points: { place: number; slot: number }[] = [];
  for (let point = ring.at(place); points.length < count; point = ring.after(point))
    points.push({ place: ring.place(point), slot: ring.slot(point) });
  return points;
}

test('agrees with a sorted list, whatever comes and goes, from any place and all the way round', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(40)), { minLength: 1, maxLength: 120, size: 'max' });
  const place = fc.oneof(fc.constantFrom(0, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  fc.assert(
    fc.property(steps, fc.constantFrom(1, 3, 20), place, (given, each, start) => {
      const ring = new Ring(each);
      const here = new Set<number>();
      for (const [adds, slot] of given) {
        if (adds === here.has(slot)) continue;
        if (adds) ring.add(slot, `node ${slot}`);
        else ring.remove(slot);
        if (adds) here.add(slot);
        else here.delete(slot);
      }
      if (here.size === 0) return;
      const points = naiveRing(
        [...here].map((slot) => `node ${slot}`),
        each,
      );
      // From any place, and from where a point is.
      for (const from of [start, points[start % points.length]!.place]) {
        const first = points.findIndex((point) => point.place >= from);
        const after = first < 0 ? points : [...points.slice(first), ...points.slice(0, first)];
        const expected = [...after, after[0]!].map(({ place, id }) => ({ place, slot: Number(id.slice(5)) }));
        assert.deepEqual(walk(ring, from, expected.length), expected);
      }
    }),
  );
});

/** Two ids with the same hash. Of a million ids a hundred pairs are to be expected. */
function findPair(): [string, string] {
  const seen = new Map<number, string>();
  for (let i = 0; i < 1_000_000; i++) {
    const hash = hashText(`node ${i}`, 1);
    const other = seen.get(hash);
    if (other !== undefined) return [other, `node ${i}`];
    seen.set(hash, `node ${i}`);
  }
  throw new Error('no two of a million ids have the same hash');
}

test('two points at one place have the same order in every ring, whichever came first', () => {
  const pair = findPair();
  const rings = [pair, pair.toReversed()].map((ids) => {
    const ring = new Ring(1);
    for (const [slot, id] of ids.entries()) ring.add(slot, id);
    return ids[ring.slot(ring.at(mix(hashText(pair[0], 1))))];
  });
  assert.equal(rings[0], rings[1]);
});

test('a ring that was large and is small again has no more buckets than it needs', () => {
  const ring = new Ring(100);
  for (let slot = 0; slot < 2_000; slot++) ring.add(slot, `node ${slot}`);
  for (let slot = 1; slot < 2_000; slot++) ring.remove(slot);
  assert.ok(ring.buckets <= 1_024, `${ring.buckets} buckets for 100 points`);
  assert.equal(
    walk(ring, 0, 101).every(({ slot }) => slot === 0),
    true,
  );
});

/** 100,000 texts in 2^32 places: 1.16 pairs are to be expected by chance. */
test('texts that differ in little are spread as by chance', () => {
  const hashes = new Set<number>();
  for (let i = 0; i < 100_000; i++) hashes.add(hashText(`10.0.${i >> 8}.${i & 255}:7000`));
  assert.ok(hashes.size >= 99_990, `${hashes.size} of 100,000`);
  const buckets = new Array<number>(100).fill(0);
  for (const hash of hashes) buckets[Math.floor((hash / 2 ** 32) * 100)]!++;
  // Five standard deviations of 1,000 in each.
  for (const count of buckets) assert.ok(Math.abs(count - 1_000) < 5 * Math.sqrt(1_000), `${count} in a hundredth`);
  assert.notEqual(hashText('a', 1), hashText('a', 2));
  assert.notEqual(hashText(''), hashText('\0'));
});

/** Of 1,000 pairs: 16 bits each with a variance of 8, so that five standard deviations of the mean are 0.45. */
test('texts that differ in one bit differ in half of the bits of their hashes, wherever those are', () => {
  const changed = new Array<number>(32).fill(0);
  for (let i = 0; i < 1_000; i++) {
    const difference = hashText(`customer-${i}-x`) ^ hashText(`customer-${i}-y`);
    for (let bit = 0; bit < 32; bit++) changed[bit]! += (difference >>> bit) & 1;
  }
  const mean = changed.reduce((sum, count) => sum + count, 0) / 1_000;
  assert.ok(Math.abs(mean - 16) < 0.45, `${mean} bits of 32`);
  for (const [bit, count] of changed.entries())
    assert.ok(Math.abs(count - 500) < 5 * Math.sqrt(250), `bit ${bit} changed in ${count} of 1,000`);
});
