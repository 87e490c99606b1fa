import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MinTree } from './min-tree.ts';

test('without keys there is no lowest', () => {
  const tree = new MinTree();
  assert.equal(tree.lowest, -1);
  assert.equal(tree.key(3), Infinity);
  assert.equal(tree.key(3_000), Infinity);
  tree.set(40, 1);
  assert.equal(tree.lowest, 40);
  tree.set(40, Infinity);
  assert.equal(tree.lowest, -1);
});

test('of equal keys, the one set longest ago: who takes the lowest and sets it anew goes round', () => {
  const tree = new MinTree();
  for (const position of [2, 0, 3, 1]) tree.set(position, 7);
  const round = Array.from({ length: 8 }, () => {
    const { lowest } = tree;
    tree.set(lowest, 7);
    return lowest;
  });
  assert.deepEqual(round, [2, 0, 3, 1, 2, 0, 3, 1]);
});

test('agrees with a list, whatever is set', () => {
  const key = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Infinity), fc.double({ noNaN: true }));
  const sets = fc.array(fc.tuple(fc.oneof(fc.nat(8), fc.nat(200)), key), { maxLength: 100, size: 'max' });
  fc.assert(
    fc.property(sets, (steps) => {
      const tree = new MinTree();
      // The one set last is last.
      let list: { position: number; key: number }[] = [];
      for (const [position, value] of steps) {
        tree.set(position, value);
        list = [...list.filter((each) => each.position !== position), { position, key: value }];
        const lowest = Math.min(...list.map((each) => each.key));
        const first = list.find((each) => each.key === lowest)!;
        assert.equal(tree.lowest, lowest === Infinity ? -1 : first.position);
        for (const each of list) assert.equal(tree.key(each.position), each.key);
      }
    }),
  );
});
