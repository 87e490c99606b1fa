/** Rights: who may do what. */
import assert from 'node:assert/strict';
import { digestIdentity } from '../../src/dev/acl.ts';
import { code } from '../../src/dev/protocol.ts';
import { open, part } from '../support/raw-zookeeper-client.ts';
import type { Case } from './case.ts';

const acl = (permissions: number, scheme: string, id: string) => ({ permissions, identity: { scheme, id } });

export const aclCases: Case[] = [
  {
    name: 'only who proves the password gets in',
    async run(scene) {
      const owner = await scene.client();
      const stranger = await scene.client();
      const a = scene.path('a');
      const proved = await owner.auth('digest', 'user:secret');
      assert.deepEqual([proved.xid, proved.zxid, proved.error], [-4, 0n, 0]);
      assert.equal((await owner.create(a, { acl: [acl(31, 'auth', '')] })).error, 0);
      assert.deepEqual((await owner.getAcl(a)).acl, [`31 digest:${digestIdentity('user:secret').id}`]);
      for (const reply of [
        await stranger.getData(a),
        await stranger.exists(a),
        await stranger.getChildren(a),
        await stranger.getAcl(a),
        await stranger.setData(a, null),
        await stranger.setAcl(a, open),
        await stranger.create(`${a}/child`),
      ]) {
        assert.equal(reply.error, code.noAuth);
      }
      assert.deepEqual((await stranger.multi([part.check(a, 0)])).results, [{ type: -1, error: code.noAuth }]);

      await stranger.auth('digest', 'user:guess');
      assert.equal((await stranger.getData(a)).error, code.noAuth);
      await stranger.auth('digest', 'user:secret');
      assert.equal((await stranger.getData(a)).error, 0);
    },
  },
  {
    name: 'each permission is for its own deeds; to delete is asked of the parent',
    async run(scene) {
      const client = await scene.client();
      const a = scene.path('a');
      const tries = async () => {
        const deeds = {
          read: await client.getData(a),
          write: await client.setData(a, null),
          create: await client.create(`${a}/new`),
          delete: await client.delete(`${a}/new`),
        };
        await client.setAcl(a, open);
        await client.delete(`${a}/new`);
        return Object.entries(deeds)
          .filter(([, reply]) => reply.error !== code.noAuth)
          .map(([deed]) => deed)
          .join();
      };
      await client.create(a);
      for (const [bits, allowed] of [
        [1, 'read'],
        [2, 'write'],
        [4, 'create'],
        [8, 'delete'],
        [15, 'read,write,create,delete'],
        [0, ''],
      ] as const) {
        await client.setAcl(a, [acl(bits | 16, 'world', 'anyone')]);
        assert.equal(await tries(), allowed);
      }
      // The node's own ACL does not protect it from being deleted.
      await client.setAcl(a, [acl(1, 'world', 'anyone')]);
      assert.equal((await client.setAcl(a, open)).error, code.noAuth);
      assert.equal((await client.delete(a)).error, 0);
    },
  },
  {
    name: 'hashes are hidden from who may only read',
    async run(scene) {
      const client = await scene.client();
      const a = scene.path('a');
      const { id } = digestIdentity('user:secret');
      await client.create(a, { acl: [acl(1, 'world', 'anyone'), acl(31, 'digest', id)] });
      assert.deepEqual((await client.getAcl(a)).acl, ['1 world:anyone', '31 digest:user:x']);
      await client.auth('digest', 'user:secret');
      assert.deepEqual((await client.getAcl(a)).acl, ['1 world:anyone', `31 digest:${id}`]);
    },
  },
  {
    name: 'an ACL that means nobody is refused',
    async run(scene) {
      const client = await scene.client();
      for (const bad of [
        [],
        [acl(31, 'world', 'somebody')],
        [acl(31, 'digest', 'without-colon')],
        [acl(31, 'nothing', 'x')],
        [acl(31, 'auth', '')],
        [acl(31, 'ip', 'nowhere')],
      ]) {
        assert.equal((await client.create(scene.path('a'), { acl: bad })).error, code.invalidAcl);
      }
      await client.create(scene.path('a'), { acl: [...open, ...open] });
      assert.deepEqual((await client.getAcl(scene.path('a'))).acl, ['31 world:anyone']);
    },
  },
  {
    name: 'an address is an identity',
    async run(scene) {
      const client = await scene.client();
      await client.create(scene.path('mine'), { acl: [acl(31, 'ip', '127.0.0.1')] });
      await client.create(scene.path('other'), { acl: [acl(31, 'ip', '10.1.2.3')] });
      assert.equal((await client.getData(scene.path('mine'))).error, 0);
      assert.equal((await client.getData(scene.path('other'))).error, code.noAuth);
    },
  },
  {
    name: 'an unknown way to authenticate is refused and closes the connection',
    async run(scene) {
      const client = await scene.client();
      assert.equal((await client.auth('nothing', 'x')).error, code.authFailed);
      await client.closed;
    },
  },
];
