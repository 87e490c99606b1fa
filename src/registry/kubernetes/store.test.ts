import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Store } from './store.ts';

const at = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });

describe('the slices that are known', () => {
  let store: Store;
  const known = () =>
    [...store.slices.values()].map((slice) => {
      const { name, resourceVersion } = (slice as ReturnType<typeof at>).metadata;
      return `${name}@${resourceVersion}`;
    });

  beforeEach(() => {
    store = new Store();
    store.expect();
    store.replace([at('a', '5'), at('b', '7'), {}, null], '9');
  });

  it('are those of the list, and what was told since', () => {
    assert.deepEqual([known(), store.version], [['a@5', 'b@7'], '9']);
    assert.equal(store.apply('MODIFIED', at('a', '10')), true);
    assert.equal(store.apply('ADDED', at('c', '11')), true);
    assert.equal(store.apply('DELETED', at('b', '12')), true);
    assert.deepEqual([known(), store.version], [['a@10', 'c@11'], '12']);
    assert.equal(store.apply('BOOKMARK', { metadata: { resourceVersion: '20' } }), true);
    assert.deepEqual([known(), store.version], [['a@10', 'c@11'], '20']);
  });

  it('stay as they are where nobody can know what was meant', () => {
    for (const [type, slice] of [
      ['MODIFIED', {}],
      ['ADDED', null],
      ['DELETED', { metadata: { name: 'a' } }],
      ['DELETED', { metadata: { resourceVersion: '99' } }],
      ['SOMETHING', at('a', '99')],
      ['BOOKMARK', { metadata: {} }],
      ['BOOKMARK', { metadata: { resourceVersion: 99 } }],
    ] as const) {
      assert.equal(store.apply(type, slice), false, `${type} ${JSON.stringify(slice)}`);
    }
    assert.deepEqual([known(), store.version], [['a@5', 'b@7'], '9']);
  });

  it('are not taken back by a list that is older than what was told while it was under way', () => {
    store.expect();
    store.apply('MODIFIED', at('a', '10'));
    store.apply('DELETED', at('b', '11'));
    store.apply('ADDED', at('c', '12'));
    store.replace([at('a', '10'), at('b', '7'), at('d', '8')], '10');
    assert.deepEqual([known(), store.version], [['a@10', 'd@8', 'c@12'], '12']);
  });

  it('are those of a list that is newer than all that was told', () => {
    store.expect();
    store.apply('MODIFIED', at('a', '99'));
    store.replace([at('a', '100')], '101');
    assert.deepEqual([known(), store.version], [['a@100'], '101'], 'numbers, not texts');
  });

  it('are those of the list alone when what was told had been told before, or for another one', () => {
    store.apply('MODIFIED', at('a', '99'));
    store.expect();
    // As after a restore from a backup.
    store.replace([at('a', '3')], '4');
    assert.deepEqual([known(), store.version], [['a@3'], '4']);
    store.expect();
    store.apply('MODIFIED', at('a', '99'));
    store.expect();
    store.replace([at('a', '5')], '6');
    assert.deepEqual([known(), store.version], [['a@5'], '6']);
  });

  it('are those of the list when versions are no numbers', () => {
    store.expect();
    store.apply('MODIFIED', at('a', 'x9'));
    store.replace([at('a', 'x1')], 'x2');
    assert.deepEqual([known(), store.version], [['a@x1'], 'x2']);
  });

  it('have no version that is of use once it is gone', () => {
    store.forgetVersion();
    assert.deepEqual([known(), store.version], [['a@5', 'b@7'], undefined]);
  });
});
