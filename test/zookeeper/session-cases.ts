/** Sessions: begin, go on elsewhere, end, expire. */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock.ts';
import { code, op } from '../../src/dev/protocol.ts';
import { connectPacket, frame } from '../support/raw-zookeeper-client.ts';
import { until } from '../support/until.ts';
import type { Case } from './case.ts';
import { ephemeral } from './node-cases.ts';

export const sessionCases: Case[] = [
  {
    name: 'a session gets an id, a password, and a timeout of 2 to 20 ticks',
    async run(scene) {
      const ids = new Set<bigint>();
      for (const [wished, agreed] of [
        [1, 1_000],
        [-5, 1_000],
        [1_001, 1_001],
        [7_777, 7_777],
        [60_000, 10_000],
      ]) {
        const client = await scene.client({ timeout: wished! });
        assert.equal(client.timeout, agreed);
        assert.equal(client.password.length, 16);
        assert.notEqual(client.sessionId, 0n);
        ids.add(client.sessionId);
      }
      assert.equal(ids.size, 5);
    },
  },
  {
    name: 'the read-only flag is answered to those who know it',
    async run(scene) {
      assert.equal((await scene.client()).answeredReadOnlyFlag, true);
      assert.equal((await scene.client({ readOnlyFlag: false })).answeredReadOnlyFlag, false);
    },
  },
  {
    name: 'a session goes on over another connection, which closes the first',
    async run(scene) {
      const first = await scene.client({ timeout: 4_000 });
      await first.create(scene.path('e'), { flags: ephemeral });
      const { sessionId, password } = first;
      const second = await scene.client({ sessionId, password, timeout: 5_000 });
      await first.closed;
      assert.deepEqual([second.sessionId, second.password, second.timeout], [sessionId, password, 5_000]);
      assert.equal((await second.exists(scene.path('e'))).stat?.ephemeralOwner, sessionId);
      await second.create(scene.path('e2'), { flags: ephemeral });
      assert.equal((await second.exists(scene.path('e2'))).stat?.ephemeralOwner, sessionId);
      const third = await scene.client({ sessionId, password });
      await second.closed;
      assert.equal((await third.exists(scene.path('e2'))).error, 0);
    },
  },
  {
    name: 'a session survives a lost connection',
    async run(scene) {
      const first = await scene.client();
      await first.create(scene.path('e'), { flags: ephemeral });
      first.socket.resetAndDestroy();
      await first.closed;
      const second = await scene.client({ sessionId: first.sessionId, password: first.password });
      assert.equal(second.sessionId, first.sessionId);
      assert.equal((await second.exists(scene.path('e'))).error, 0);
    },
  },
  {
    name: 'a wrong password or an unknown session is answered with a timeout of 0, then closed',
    async run(scene) {
      const owner = await scene.client();
      await owner.create(scene.path('e'), { flags: ephemeral });
      for (const handshake of [
        { sessionId: owner.sessionId, password: Buffer.alloc(16, 7) },
        { sessionId: owner.sessionId, password: Buffer.alloc(0) },
        { sessionId: 0x1234n, password: owner.password },
      ]) {
        const stranger = await scene.client(handshake);
        assert.deepEqual([stranger.timeout, stranger.sessionId, stranger.password], [0, 0n, Buffer.alloc(16)]);
        await stranger.closed;
      }
      const back = await scene.client({ sessionId: owner.sessionId, password: owner.password });
      assert.equal((await back.exists(scene.path('e'))).error, 0);
    },
  },
  {
    name: 'closeSession removes what the session owned before it is answered, and ends it',
    async run(scene) {
      const client = await scene.client();
      const watcher = await scene.client();
      const paths = [scene.path('e1'), scene.path('e2')];
      for (const path of paths) await client.create(path, { flags: ephemeral });
      await client.create(scene.path('stays'));
      await watcher.exists(paths[0]!, true);
      await watcher.getChildren(scene.folder, true);
      const { zxid } = await client.ping();
      const reply = await client.closeSession();
      assert.deepEqual([reply.error, reply.body.left], [0, 0]);
      assert.ok(reply.zxid > zxid);
      await client.closed;
      assert.deepEqual((await watcher.getChildren(scene.folder)).children, ['stays']);
      assert.deepEqual(watcher.arrivals.slice(2, 4).sort(), [`childrenChanged ${scene.folder}`, `deleted ${paths[0]}`]);
      const late = await scene.client({ sessionId: client.sessionId, password: client.password });
      assert.equal(late.timeout, 0);
    },
  },
  {
    name: 'a silent session expires: its nodes go, its connection is closed, its id is refused',
    async run(scene) {
      const watcher = await scene.client({ timeout: 10_000 });
      const silent = await scene.client({ timeout: 1_000 });
      const since = systemClock.now();
      await silent.create(scene.path('e'), { flags: ephemeral });
      await watcher.exists(scene.path('e'), true);
      await until(async () => (await watcher.ping()) && watcher.eventZxids.length === 1, 'the node to go');
      assert.ok(systemClock.now() - since > 990, 'not before its time');
      assert.ok(watcher.arrivals.includes(`deleted ${scene.path('e')}`));
      await silent.closed;
      const late = await scene.client({ sessionId: silent.sessionId, password: silent.password });
      assert.equal(late.timeout, 0);
    },
  },
  {
    name: 'pings keep a session',
    async run(scene) {
      const watcher = await scene.client({ timeout: 10_000 });
      const client = await scene.client({ timeout: 3_000 });
      await client.create(scene.path('e'), { flags: ephemeral });
      const since = systemClock.now();
      while (systemClock.now() - since < 4_500) {
        await client.ping();
        await watcher.ping();
        await systemClock.sleep(200);
      }
      assert.equal((await watcher.exists(scene.path('e'))).error, 0);
      client.destroy();
      await until(
        async () => (await watcher.exists(scene.path('e'))).error === code.noNode,
        'expiry after the connection went',
      );
    },
  },
  {
    name: 'a client that saw a later transaction is refused without an answer',
    async run(scene) {
      const client = await scene.client();
      const { zxid } = await client.ping();
      const same = await scene.client({ lastZxidSeen: zxid });
      assert.notEqual(same.sessionId, 0n);
      const ahead = scene.bare();
      ahead.socket.write(connectPacket({ lastZxidSeen: zxid + 1_000n }));
      await ahead.closed;
      assert.equal(ahead.sessionId, 0n);
      assert.equal(ahead.socket.bytesRead, 0);
    },
  },
  {
    name: 'what is pipelined is answered in order',
    async run(scene) {
      const client = await scene.client();
      const count = 1_000;
      const replies = await Promise.all(
        Array.from({ length: count }, (_, i) =>
          i % 2 === 0 ? client.create(scene.path(`${i}`), { flags: ephemeral }) : client.exists(scene.path(`${i - 1}`)),
        ),
      );
      assert.ok(replies.every((reply) => reply.error === 0));
      assert.deepEqual(
        replies.map((reply) => reply.xid),
        Array.from({ length: count }, (_, i) => i + 1),
      );
      assert.equal((await client.getChildren(scene.folder)).children?.length, count / 2);
    },
  },
  {
    name: 'an unknown operation is answered and closes its connection, not its session',
    async run(scene) {
      const client = await scene.client();
      const reply = await client.request(999);
      assert.deepEqual([reply.error, reply.zxid], [code.unimplemented, -1n]);
      await client.closed;
      const back = await scene.client({ sessionId: client.sessionId, password: client.password });
      assert.equal(back.sessionId, client.sessionId);
    },
  },
  {
    name: 'a request that ends too early is not understood, the connection goes on',
    async run(scene) {
      const client = await scene.client();
      for (const type of [op.create, op.getData, op.setData, op.setWatches, op.sync]) {
        assert.equal((await client.request(type, (w) => w.int(100))).error, code.marshallingError);
      }
      assert.equal((await client.create(scene.path('a'))).error, 0);
      // Without even a header it is no request.
      client.socket.write(frame(Buffer.alloc(3)));
      await client.closed;
    },
  },
];
