import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import zookeeper, { type Acl } from 'node-zookeeper-client';
import { otherOwner, rightsOf } from './rights.ts';

const auth = { scheme: 'digest', secret: 'super:test' };
/** As ZooKeeper's own tests have it. */
const hash = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=';
const entry = (permission: number, scheme: string, id: string): Acl => ({ permission, id: { scheme, id } });
const ours = entry(31, 'digest', hash);

describe('whose a node is', () => {
  for (const [what, acl, owner] of [
    ['the secret’s', [ours], undefined],
    ['the secret’s, twice', [ours, entry(5, 'digest', hash)], undefined],
    ['the secret’s, for all to read', [ours, entry(1, 'world', 'anyone'), entry(1, 'ip', '10.0.0.1')], undefined],
    // Who made them knew the password.
    ['hashed with SHA-256', [entry(31, 'digest', 'super:wjySwxg860UATFtciuZ1lpzrCHrPeov6SPu/ZD56uig=')], undefined],
    ['everybody’s', [entry(31, 'world', 'anyone')], 'everybody'],
    ['everybody’s to add to', [ours, entry(4, 'world', 'anyone')], 'everybody'],
    ['an address’s too', [ours, entry(2, 'ip', '10.0.0.1')], 'others'],
    ['another password’s of the same user', [entry(31, 'digest', 'super:AAAA')], 'others'],
    ['shown without its hash', [entry(31, 'digest', 'super:x')], 'others'],
    ['the same name’s in another scheme', [entry(31, 'sasl', hash)], 'others'],
    ['the secret’s, but not to give away', [entry(15, 'digest', hash)], 'others'],
    ['for all to read, and nobody’s', [entry(1, 'world', 'anyone')], 'others'],
    ['nobody’s', [], 'others'],
  ] as const) {
    it(what, () => assert.equal(otherOwner(acl, auth), owner));
  }
});

describe('rights of what is made', () => {
  const all = (acl: Acl[]) => acl.map(({ permission, id }) => `${permission} ${id.scheme}:${id.id}`);

  it('with a secret: its own, and of a shared folder everybody’s to read and add to', () => {
    assert.deepEqual(all(rightsOf('persistent', auth)), ['31 auth:']);
    assert.deepEqual(all(rightsOf('ephemeral-sequential', auth)), ['31 auth:']);
    assert.deepEqual(all(rightsOf('shared', auth)), ['31 auth:', '5 world:anyone']);
  });

  it('without one: everybody’s, but nobody’s to change', () => {
    for (const kind of ['persistent', 'shared', 'ephemeral-sequential'] as const) {
      assert.deepEqual(all(rightsOf(kind, undefined)), ['15 world:anyone']);
    }
    assert.equal(zookeeper.Permission.ADMIN, 16);
  });
});
