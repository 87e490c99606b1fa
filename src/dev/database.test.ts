import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../core/virtual-clock.ts';
import { openAcl } from './acl.ts';
import { Database } from './database.ts';

const limits = { minTimeout: 4_000, maxTimeout: 40_000 };
const client = { sessionId: 1n, identities: [] };
const persistent = { ephemeral: false, sequential: false };

test('a write that throws half way changed nothing and told nobody', () => {
  const database = new Database(new VirtualClock(), limits);
  const events: string[] = [];
  const watcher = { ...client, notify: () => events.push('told'), drop: () => {} };
  database.watches.add('data', '/a', watcher);
  const before = database.zxid;
  const write = () =>
    database.write(client, (txn) => {
      database.tree.create(txn, '/a', null, openAcl, persistent);
      throw new Error('half way');
    });
  assert.throws(write, /half way/);
  assert.equal(database.tree.has('/a'), false);
  assert.equal(database.zxid, before + 1n);
  database.write(client, (txn) => database.tree.create(txn, '/a', null, openAcl, persistent));
  assert.deepEqual(events, ['told']);
});

test('a later start is ahead of all that an earlier one did', () => {
  const clock = new VirtualClock();
  const first = new Database(clock, limits);
  const peer = { ...client, notify: () => {}, drop: () => {} };
  const request = {
    lastZxidSeen: 0n,
    timeout: 4_000,
    sessionId: 0n,
    password: Buffer.alloc(16),
    hasReadOnlyFlag: true,
  };
  let last = first.connect(request, peer);
  for (let i = 0; i < 1_000; i++) last = first.connect(request, peer);
  clock.advance(1);
  const second = new Database(clock, limits);
  assert.ok(second.zxid > first.zxid);
  assert.ok(second.connect(request, peer)!.id > last!.id);
});
