/** Nodes: create, delete, set, versions, stats, sequences. */
import assert from 'node:assert/strict';
import { code, op } from '../../src/dev/protocol.ts';
import { createRecord, open, readStat } from '../support/raw-zookeeper-client.ts';
import type { Case } from './case.ts';

export const ephemeral = 1;
export const sequential = 2;

export const nodeCases: Case[] = [
  {
    name: 'a stat tells the life of a node',
    async run(scene) {
      const client = await scene.client();
      const made = await client.create(scene.path('a'), { data: Buffer.from('abc') });
      const fresh = await client.exists(scene.path('a'));
      const times = { ctime: fresh.stat?.ctime, mtime: fresh.stat?.mtime };
      assert.deepEqual(fresh.stat, {
        czxid: made.zxid,
        mzxid: made.zxid,
        pzxid: made.zxid,
        ...times,
        version: 0,
        cversion: 0,
        aversion: 0,
        ephemeralOwner: 0n,
        dataLength: 3,
        numChildren: 0,
      });
      assert.equal(times.ctime, times.mtime);

      const set = await client.setData(scene.path('a'), Buffer.from('defgh'), 0);
      const first = await client.create(scene.path('a/1'));
      const second = await client.create(scene.path('a/2'));
      const removed = await client.delete(scene.path('a/1'));
      await client.setAcl(scene.path('a'), open, 0);
      const { stat } = await client.exists(scene.path('a'));
      assert.ok(first.zxid < second.zxid && second.zxid < removed.zxid);
      assert.deepEqual(
        { ...stat, ctime: 0, mtime: 0 },
        {
          czxid: made.zxid,
          mzxid: set.zxid,
          pzxid: removed.zxid,
          ctime: 0,
          mtime: 0,
          version: 1,
          // Three changes of the list: two births and a death.
          cversion: 3,
          aversion: 1,
          ephemeralOwner: 0n,
          dataLength: 5,
          numChildren: 1,
        },
      );
      assert.deepEqual(set.stat, { ...stat, cversion: 0, aversion: 0, numChildren: 0, pzxid: made.zxid });
    },
  },
  {
    name: 'an ephemeral node names its owner',
    async run(scene) {
      const client = await scene.client();
      await client.create(scene.path('e'), { flags: ephemeral });
      assert.equal((await client.exists(scene.path('e'))).stat?.ephemeralOwner, client.sessionId);
    },
  },
  {
    name: 'data comes back as it was written, empty and null apart',
    async run(scene) {
      const client = await scene.client();
      for (const data of [Buffer.from('x'), Buffer.alloc(0), null, Buffer.from([0, 255, 128])]) {
        await client.create(scene.path('d'), { data });
        assert.deepEqual((await client.getData(scene.path('d'))).data, data);
        await client.setData(scene.path('d'), Buffer.from('other'));
        const { stat } = await client.setData(scene.path('d'), data);
        assert.equal(stat?.dataLength, data?.length ?? 0);
        assert.deepEqual((await client.getData(scene.path('d'))).data, data);
        await client.delete(scene.path('d'));
      }
    },
  },
  {
    name: 'each refusal has its code',
    async run(scene) {
      const client = await scene.client();
      await client.create(scene.path('a'));
      await client.create(scene.path('a/b'));
      await client.create(scene.path('e'), { flags: ephemeral });
      const none = scene.path('none');
      const refusals = [
        [await client.create(scene.path('a')), code.nodeExists],
        [await client.create(`${none}/a`), code.noNode],
        [await client.create(`${none}/a`, { flags: sequential }), code.noNode],
        [await client.create(scene.path('e/child')), code.noChildrenForEphemerals],
        [await client.create('/'), code.nodeExists],
        [await client.create(scene.path('x'), { flags: 7 }), code.badArguments],
        [await client.create(scene.path('x'), { flags: -1 }), code.badArguments],
        [await client.create(scene.path('x'), { acl: [] }), code.invalidAcl],
        [await client.delete(scene.path('a')), code.notEmpty],
        [await client.delete(scene.path('a'), 7), code.badVersion],
        [await client.delete(none), code.noNode],
        [await client.delete(`${none}/x`), code.noNode],
        [await client.delete('/'), code.badArguments],
        [await client.delete('/zookeeper'), code.badArguments],
        [await client.setData(scene.path('a'), null, 7), code.badVersion],
        [await client.setData(none, null), code.noNode],
        [await client.setAcl(scene.path('a'), open, 7), code.badVersion],
        [await client.setAcl(none, open), code.noNode],
        [await client.getData(none), code.noNode],
        [await client.exists(none), code.noNode],
        [await client.getChildren(none), code.noNode],
        [await client.getAcl(none), code.noNode],
      ] as const;
      for (const [at, [reply, expected]] of refusals.entries()) assert.equal(reply.error, expected, `refusal ${at}`);
      assert.equal((await client.getChildren(scene.folder)).children?.join(), 'a,e');
    },
  },
  {
    name: 'a path that is none is refused',
    async run(scene) {
      const client = await scene.client();
      await client.create(scene.path('a'));
      const bad = ['', 'a', scene.path('a/'), scene.path('.'), scene.path('..'), scene.path('a\0'), scene.path('\x07')];
      bad.push(scene.path('\u{1F600}'), scene.path('\ufff3'));
      for (const path of bad) {
        assert.equal((await client.create(path)).error, code.badArguments, JSON.stringify(path));
        assert.equal((await client.setData(path, null)).error, code.badArguments, JSON.stringify(path));
      }
      assert.equal((await client.setData(scene.path('a//b'), null)).error, code.badArguments);
      assert.equal((await client.create(scene.path('a//b'))).error, code.noNode);
      assert.equal((await client.create(scene.path('./b'))).error, code.noNode);
      assert.equal((await client.exists(scene.path('a\0'))).error, code.badArguments);
      assert.equal((await client.getData('a')).error, code.noNode);
      const good = [scene.path('..a'), scene.path('a b'), scene.path('ä-漢'), scene.path('a/.b')];
      for (const path of good) assert.equal((await client.create(path)).path, path);
    },
  },
  {
    name: 'every write is a transaction, one that fails as well; reads are none',
    async run(scene) {
      const client = await scene.client();
      const { zxid } = await client.ping();
      assert.equal((await client.create(scene.path('a'))).zxid, zxid + 1n);
      assert.equal((await client.create(scene.path('a'))).zxid, zxid + 2n);
      assert.equal((await client.delete(scene.path('none'))).zxid, zxid + 3n);
      assert.equal((await client.getData(scene.path('a'))).zxid, zxid + 3n);
      assert.equal((await client.exists(scene.path('none'))).zxid, zxid + 3n);
      await scene.client();
      assert.equal((await client.ping()).zxid, zxid + 4n, 'a new session');
    },
  },
  {
    name: 'a sequence counts the births in its folder, never back',
    async run(scene) {
      const client = await scene.client();
      const make = async (prefix: string, flags: number) => {
        const { path } = await client.create(scene.path(prefix), { flags });
        return path?.slice(scene.folder.length + 1);
      };
      assert.equal(await make('rpc-', sequential), 'rpc-0000000000');
      assert.equal(await make('rpc-', sequential | ephemeral), 'rpc-0000000001');
      await client.delete(scene.path('rpc-0000000001'));
      assert.equal(await make('other-', sequential), 'other-0000000002');
      assert.equal(await make('plain', 0), 'plain');
      await client.delete(scene.path('other-0000000002'));
      await client.delete(scene.path('rpc-0000000000'));
      assert.equal((await client.create(scene.path('plain'))).error, code.nodeExists);
      assert.equal(await make('', sequential), '0000000004');
    },
  },
  {
    name: 'the older getChildren and the newer create2 are known',
    async run(scene) {
      const client = await scene.client();
      const made = await client.request(op.create2, (w) =>
        createRecord(w, scene.path('a'), Buffer.from('xy'), open, ephemeral),
      );
      assert.equal(made.body.string(), scene.path('a'));
      const stat = readStat(made.body);
      assert.deepEqual(stat, (await client.exists(scene.path('a'))).stat);
      const children = await client.request(op.getChildren, (w) => w.string(scene.folder).bool(false));
      assert.deepEqual(
        children.body.vector((r) => r.string()),
        ['a'],
      );
      assert.equal(children.body.left, 0);
    },
  },
  {
    name: 'sync echoes its path, ping says the last transaction',
    async run(scene) {
      const client = await scene.client();
      const made = await client.create(scene.path('a'));
      const synced = await client.request(op.sync, (w) => w.string(scene.path('a')));
      assert.equal(synced.body.string(), scene.path('a'));
      const ping = await client.ping();
      assert.deepEqual([ping.xid, ping.zxid, ping.error, ping.body.left], [-2, made.zxid, 0, 0]);
    },
  },
];
