import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sessions } from './sessions.ts';

const limits = { minTimeout: 4_000, maxTimeout: 40_000 };
const password = Buffer.alloc(16, 1);

test('a session ends when it was silent for its timeout, not before', () => {
  const sessions = new Sessions(limits, 1n);
  const session = sessions.open(5_000, password, 0);
  assert.deepEqual(sessions.expired(4_999), []);
  assert.deepEqual(sessions.expired(5_000), [session]);
  sessions.touch(session, 3_000);
  assert.deepEqual(sessions.expired(7_999), []);
  assert.deepEqual(sessions.expired(8_000), [session]);
  assert.equal(sessions.delete(session.id), true);
  assert.deepEqual(sessions.expired(8_000), []);
});

test('going on with a session needs its password and agrees on a new timeout', () => {
  const sessions = new Sessions(limits, 1n);
  const { id } = sessions.open(5_000, password, 0);
  assert.equal(sessions.resume(id, Buffer.alloc(16, 2), 5_000, 1_000), undefined);
  assert.equal(sessions.resume(id, Buffer.alloc(3), 5_000, 1_000), undefined);
  assert.equal(sessions.resume(id + 1n, password, 5_000, 1_000), undefined);
  assert.equal(sessions.expired(5_000).length, 1, 'a wrong password does not keep it alive');
  assert.equal(sessions.resume(id, password, 60_000, 1_000)?.timeout, 40_000);
  assert.equal(sessions.expired(40_999).length, 0);
  assert.equal(sessions.expired(41_000).length, 1);
});

test('each session has an id of its own, and the timeout it wished for within the limits', () => {
  const sessions = new Sessions(limits, 100n);
  const opened = [1, 4_000, 9_000, 40_000, 1e9, -1].map((timeout) => sessions.open(timeout, password, 0));
  assert.deepEqual(
    opened.map((session) => session.timeout),
    [4_000, 4_000, 9_000, 40_000, 40_000, 4_000],
  );
  assert.equal(new Set(opened.map((session) => session.id)).size, 6);
});
