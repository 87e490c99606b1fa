import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestIdentity } from './acl.ts';

test("a password's hash is the one of ZooKeeper's documentation", () => {
  // SHA-1 of "super:test", base64: known from ZooKeeper's own tests.
  assert.deepEqual(digestIdentity('super:test'), { scheme: 'digest', id: 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=' });
  assert.equal(digestIdentity('user:pass:word').id.split(':')[0], 'user');
});
