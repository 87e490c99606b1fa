import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WeightTree } from './tree.ts';

function treeOf(weights: readonly number[]): WeightTree {
  const tree = new WeightTree();
  weights.forEach((weight, position) => {
    tree.set(position, weight);
  });
  return tree;
}

test('weights lie end to end', () => {
  const tree = treeOf([3, 0, 1, 2]);
  assert.equal(tree.total, 6);
  assert.deepEqual(
    [0, 2.9, 3, 3.9, 4, 5.9].map((point) => tree.find(point)),
    [0, 0, 2, 2, 3, 3],
  );
});

test('it grows, and keeps what it had', () => {
  const tree = treeOf([1]);
  tree.set(1_000, 2);
  tree.set(16, 3);
  assert.equal(tree.total, 6);
  assert.deepEqual(
    [0.5, 1.5, 4.5].map((point) => tree.find(point)),
    [0, 16, 1_000],
  );
});

test('a point that rounding carried past the end finds the last weight', () => {
  assert.equal(treeOf([1, 2, 0, 0]).find(3), 1);
});

test('agrees with a list, whatever is set', () => {
  const weight = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 65_536 }));
  const sets = fc.array(fc.tuple(fc.nat(200), weight), { minLength: 1, maxLength: 100, size: 'max' });
  fc.assert(
    fc.property(sets, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (steps, share) => {
      const tree = new WeightTree();
      const list: number[] = new Array(201).fill(0);
      for (const [position, value] of steps) {
        tree.set(position, value);
        list[position] = value;
        const total = list.reduce((sum, each) => sum + each, 0);
        assert.equal(tree.total, total);
        if (total === 0) continue;
        // Whole numbers, so that both ways of adding up are exact.
        let rest = Math.floor(share * total);
        const naive = list.findIndex((each) => {
          rest -= each;
          return rest < 0;
        });
        assert.equal(tree.find(Math.floor(share * total)), naive);
      }
    }),
  );
});

test('another than one: agrees with a tree in which that one weighs nothing', () => {
  const weights = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000 })), {
    minLength: 1,
    size: 'max',
    maxLength: 40,
  });
  fc.assert(
    fc.property(weights, fc.nat(), fc.integer({ min: 0, max: 1_023 }), (list, at, share) => {
      const position = at % list.length;
      const without = treeOf(list.with(position, 0));
      const expected = without.total > 0 ? without.find((share / 1_024) * without.total) : -1;
      assert.equal(treeOf(list).findOther(position, share / 1_024), expected);
    }),
  );
});

test('another than one beside which all others are lost in rounding: none', () => {
  assert.equal(treeOf([1e-9, 1e9, 1e-9]).findOther(1, 0.5), -1);
});

test('never that one, even where rounding carries the point into it', () => {
  const weights = [2.4295106417572954, 0.03731841630389224, 0.00011346812529059025, 39.11471337635446];
  assert.equal(treeOf(weights).findOther(3, 0.9999999999999999), -1);
});

test('a million changes leave no rounding error behind', () => {
  const tree = new WeightTree();
  for (let i = 0; i < 1_000_000; i++) tree.set(i % 7, (i % 13) / 10 + 1e-9);
  for (let position = 0; position < 7; position++) tree.set(position, 0);
  assert.equal(tree.total, 0);
});
