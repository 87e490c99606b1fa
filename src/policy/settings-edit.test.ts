import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { editNode } from './settings-edit.ts';

const all = () => true;

describe('changing the settings of a node', () => {
  it('begins a document where there is none', () => {
    assert.deepEqual(editNode(undefined, 'a', { weight: 512 }, all), { version: 1, nodes: { a: { weight: 512 } } });
  });

  it('changes what is said and keeps the rest, also what is not known here', () => {
    const before = {
      version: 1,
      new: [1],
      client: { timeout: 9 },
      nodes: { a: { weight: 1, colour: 'red' }, b: { offline: true } },
    };
    const copy = structuredClone(before);
    assert.deepEqual(editNode(before, 'a', { offline: true }, all), {
      ...before,
      nodes: { ...before.nodes, a: { weight: 1, colour: 'red', offline: true } },
    });
    assert.deepEqual(before, copy, 'it is pure');
  });

  it('takes a node online again, and leaves no empty entry', () => {
    const before = { version: 1, nodes: { a: { offline: true }, b: { offline: true, weight: 2 } } };
    assert.deepEqual(editNode(before, 'a', { offline: false }, all).nodes, { b: { offline: true, weight: 2 } });
    assert.deepEqual(editNode(before, 'b', { offline: false }, all).nodes, { a: { offline: true }, b: { weight: 2 } });
  });

  it('forgets all that was set of a node, then sets what is said with it', () => {
    const before = { version: 1, nodes: { a: { offline: true, weight: 2, colour: 'red' } } };
    assert.deepEqual(editNode(before, 'a', { reset: true }, all).nodes, {});
    assert.deepEqual(editNode(before, 'a', { reset: true, weight: 3 }, all).nodes, { a: { weight: 3 } });
  });

  it('takes away what was set of nodes that are gone', () => {
    const before = { version: 1, nodes: { a: { weight: 1 }, b: { weight: 2 }, c: 'odd' } };
    assert.deepEqual(editNode(before, 'a', { weight: 5 }, (id) => id === 'a').nodes, { a: { weight: 5 } });
  });

  it('mends what is wrong of the node itself', () => {
    assert.deepEqual(editNode({ version: 1, nodes: { a: 7 } }, 'a', { reset: true }, all).nodes, {});
    assert.deepEqual(editNode({ version: 1, nodes: { a: { weight: 0 } } }, 'a', { weight: 4 }, all).nodes, {
      a: { weight: 4 },
    });
  });

  const refused: [what: string, document: object, says: RegExp][] = [
    ['another version', { version: 2 }, /version is 2: expected 1$/],
    ['nodes that are no object', { version: 1, nodes: [] }, /nodes is no object$/],
    ['a node that is no object', { version: 1, nodes: { a: 7 } }, /nodes\["a"\] is no object$/],
    ['something wrong elsewhere', { version: 1, client: { timeout: 0 } }, /client\.timeout is 0: expected/],
  ];
  for (const [what, document, says] of refused) {
    it(`does not touch a document with ${what}`, () => {
      const edit = () => editNode(document as never, 'a', { weight: 1 }, all);
      assert.throws(edit, says);
      assert.throws(edit, /^Error: the live settings cannot be changed: /);
    });
  }

  it('does not write what would be refused', () => {
    assert.throws(() => editNode(undefined, 'a', { weight: 0 }, all), /nodes\["a"\]\.weight is 0/);
  });
});
