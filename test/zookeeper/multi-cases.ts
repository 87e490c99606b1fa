/** Several writes as one: all or none. */
import assert from 'node:assert/strict';
import { code, op } from '../../src/dev/protocol.ts';
import { part } from '../support/raw-zookeeper-client.ts';
import type { Case } from './case.ts';
import { ephemeral, sequential } from './node-cases.ts';

export const multiCases: Case[] = [
  {
    name: 'a multi does all of its parts in one transaction, each seeing those before it',
    async run(scene) {
      const client = await scene.client();
      const { zxid } = await client.ping();
      const a = scene.path('a');
      const reply = await client.multi([
        part.create(a),
        part.create(`${a}/s-`, sequential),
        part.setData(a, 'x', 0),
        part.setData(a, 'xyz', 1),
        part.check(a, 2),
        part.create2(`${a}/b`),
        part.delete(`${a}/b`),
        part.create(`${a}/s-`, sequential),
      ]);
      assert.equal(reply.error, 0);
      assert.equal(reply.zxid, zxid + 1n);
      const results = reply.results?.map(({ type, error, path, stat }) => [type, error, path, stat?.version]);
      assert.deepEqual(results, [
        [op.create, 0, a, undefined],
        [op.create, 0, `${a}/s-0000000000`, undefined],
        [op.setData, 0, undefined, 1],
        [op.setData, 0, undefined, 2],
        [op.check, 0, undefined, undefined],
        [op.create2, 0, `${a}/b`, 0],
        [op.delete, 0, undefined, undefined],
        [op.create, 0, `${a}/s-0000000002`, undefined],
      ]);
      const { stat, children } = await client.getChildren(a);
      assert.deepEqual(children, ['s-0000000000', 's-0000000002']);
      assert.deepEqual([stat?.czxid, stat?.mzxid, stat?.pzxid], [reply.zxid, reply.zxid, reply.zxid]);
      assert.deepEqual([stat?.version, stat?.cversion, stat?.dataLength], [2, 4, 3]);
    },
  },
  {
    name: 'a multi with a part that fails leaves no trace',
    async run(scene) {
      const client = await scene.client();
      const a = scene.path('a');
      await client.create(a, { data: Buffer.from('before') });
      await client.create(`${a}/old`);
      const before = await client.getData(a);
      const reply = await client.multi([
        part.create(`${a}/new-`, sequential | ephemeral),
        part.setData(a, 'after'),
        part.delete(`${a}/old`),
        part.check(a, 99),
        part.create(scene.path('b')),
        part.delete('/none'),
      ]);
      assert.equal(reply.error, 0);
      const results = reply.results?.map(({ type, error }) => [type, error]);
      assert.deepEqual(results, [
        [op.error, code.ok],
        [op.error, code.ok],
        [op.error, code.ok],
        [op.error, code.badVersion],
        [op.error, code.runtimeInconsistency],
        [op.error, code.runtimeInconsistency],
      ]);
      const after = await client.getData(a);
      assert.deepEqual(after.stat, before.stat);
      assert.deepEqual(after.data, before.data);
      assert.deepEqual((await client.getChildren(a)).children, ['old']);
      assert.equal((await client.exists(scene.path('b'))).error, code.noNode);
      // The sequence number that was not used is not lost, and no session owns the node that is not there.
      assert.equal((await client.create(`${a}/new-`, { flags: sequential })).path, `${a}/new-0000000001`);
      assert.equal((await client.closeSession()).error, 0);
    },
  },
  {
    name: 'a multi tells its events only when all of it is done',
    async run(scene) {
      const client = await scene.client();
      const watcher = await scene.client();
      const a = scene.path('a');
      await watcher.exists(a, true);
      await watcher.getChildren(scene.folder, true);
      await client.multi([part.create(a), part.check(a, 9)]);
      await client.multi([part.create(a), part.create(scene.path('b')), part.setData(a, 'x')]);
      await watcher.request(op.sync, (w) => w.string('/'));
      await watcher.ping();
      assert.deepEqual(watcher.arrivals.slice(2, 4), [`created ${a}`, `childrenChanged ${scene.folder}`]);
      assert.equal(watcher.eventZxids.length, 2);
    },
  },
  {
    name: 'an empty multi is answered, one with a read in it is not understood',
    async run(scene) {
      const client = await scene.client();
      assert.deepEqual((await client.multi([])).results, []);
      const withRead = { type: op.getData, encode: part.create(scene.path('a')).encode };
      const refused = await client.multi([part.create(scene.path('a')), withRead]);
      assert.equal(refused.error, code.marshallingError);
      assert.equal((await client.exists(scene.path('a'))).error, code.noNode);
    },
  },
];
