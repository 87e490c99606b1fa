import assert from 'node:assert/strict';
import { it } from 'node:test';
import { entryPrefix, isEntryOf, isOurs, sequence } from './names.ts';

it('tells the entries of an id from those of an id that begins like it', () => {
  assert.equal(isEntryOf(`${entryPrefix('ab')}0000000007`, 'ab'), true);
  // ZooKeeper's counter is signed and overflows.
  assert.equal(isEntryOf('rpc-ab--2147483648', 'ab'), true);
  assert.equal(isEntryOf('rpc-ab-c-0000000007', 'ab'), false);
  assert.equal(isEntryOf('rpc-abc-0000000007', 'ab'), false);
  assert.equal(isEntryOf('rpc-ab-barrier', 'ab'), false);
});

it('tells our entries from foreign ones', () => {
  assert.equal(isOurs('rpc-0123456789abcdef-0000000001'), true);
  assert.equal(isOurs('rpc0000000001'), false);
  assert.equal(isOurs('server-a'), false);
});

it('reads the number', () => {
  assert.equal(sequence('rpc-ab-0000000042'), 42);
  assert.equal(sequence('rpc0000000001'), 1);
  assert.equal(sequence('server-a'), -1);
});
