import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CallTable } from './call-table.ts';

test('holds what a Map would, whatever comes and goes', () => {
  const steps = fc.array(fc.oneof(fc.constant('set' as const), fc.nat(5_000)), { maxLength: 3_000, size: 'max' });
  fc.assert(
    fc.property(steps, (list) => {
      const table = new CallTable<string>();
      const model = new Map<number, string>();
      let id = 0;
      for (const step of list) {
        if (step === 'set') {
          table.set(++id, `call ${id}`);
          model.set(id, `call ${id}`);
        } else {
          const gone = id - (step % (id + 1));
          assert.equal(table.get(gone), model.get(gone));
          assert.equal(table.delete(gone), model.delete(gone));
        }
        assert.equal(table.size, model.size);
      }
      assert.deepEqual(new Map(table), model);
      table.clear();
      assert.deepEqual([...table], []);
    }),
  );
});

test('a call that lasts for ever is found after a million others, and needs no room for them', () => {
  const table = new CallTable<string>();
  table.set(1, 'lasting');
  for (let id = 2; id < 1_000_000; id++) {
    table.set(id, 'short');
    assert.equal(table.delete(id), true);
  }
  assert.equal(table.get(1), 'lasting');
  assert.equal(table.size, 1);
});

test('a thousand at once each have their own slot', () => {
  const table = new CallTable<number>();
  for (let id = 1; id <= 1_000; id++) table.set(id, id);
  for (let id = 1; id <= 1_000; id++) assert.equal(table.get(id), id);
  assert.equal(table.size, 1_000);
});
