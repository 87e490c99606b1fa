/** Bytes: frames in pieces, lengths that lie, four-letter words. */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock.ts';
import { JuteWriter } from '../../src/dev/jute.ts';
import { code, op } from '../../src/dev/protocol.ts';
import { fourLetterWord } from '../support/apache-zookeeper.ts';
import { connectPacket, createRecord, frame, open } from '../support/raw-zookeeper-client.ts';
import type { Case } from './case.ts';

function createPacket(path: string): Buffer {
  const writer = new JuteWriter().int(1).int(op.create);
  createRecord(writer, path, null, open, 0);
  return frame(writer.done());
}

/** Everything of the longest packet that is allowed, but the data. */
function overhead(path: string): number {
  return createPacket(path).length - 4;
}

export const byteCases: Case[] = [
  {
    name: 'frames may come in pieces of any size, or many in one',
    async run(scene) {
      const client = scene.bare();
      for (const byte of connectPacket()) {
        client.socket.write(Buffer.of(byte));
        await systemClock.sleep(1);
      }
      await client.arrival(() => client.sessionId !== 0n);
      const packet = createPacket(scene.path('a'));
      client.socket.write(packet.subarray(0, 3));
      await systemClock.sleep(5);
      client.socket.write(packet.subarray(3, 20));
      await systemClock.sleep(5);
      const rest = [packet.subarray(20), createPacket(scene.path('b')), createPacket(scene.path('c')).subarray(0, 9)];
      assert.equal((await client.send(Buffer.concat(rest))).error, 0);
      const last = await client.send(createPacket(scene.path('c')).subarray(9));
      assert.equal(last.error, 0);
      await client.arrival(() => client.arrivals.length === 3);
      assert.deepEqual((await client.getChildren(scene.folder)).children, ['a', 'b', 'c']);
    },
  },
  {
    name: 'a handshake and a request may share a segment',
    async run(scene) {
      const client = scene.bare();
      const reply = await client.send(Buffer.concat([connectPacket(), createPacket(scene.path('a'))]));
      assert.equal(reply.error, 0);
      assert.notEqual(client.sessionId, 0n);
    },
  },
  {
    name: 'half a request does nothing',
    async run(scene) {
      const client = await scene.client();
      const torn = await scene.client();
      const packet = createPacket(scene.path('a'));
      torn.socket.end(packet.subarray(0, packet.length - 1));
      await torn.closed;
      assert.equal((await client.exists(scene.path('a'))).error, code.noNode);
    },
  },
  {
    name: 'bytes that are no ZooKeeper packet close their connection and no other',
    async run(scene) {
      const neighbour = await scene.client();
      const nonsense = [
        Buffer.of(0x7f, 0, 0, 0),
        Buffer.of(0xff, 0, 0, 0),
        Buffer.of(0, 0x10, 0, 0),
        Buffer.alloc(4),
        frame(Buffer.alloc(10)),
        Buffer.from('GET / HTTP/1.1\r\n\r\n'),
        Buffer.of(0x16, 3, 1, 2, 0, 1, 0, 1),
      ];
      for (const bytes of nonsense) {
        const bad = scene.bare();
        bad.socket.write(bytes);
        await bad.closed;
        assert.equal(bad.socket.bytesRead, 0, bytes.toString('hex'));
      }
      for (const length of [-2, 0x7fffffff, 0x100000]) {
        const bad = await scene.client();
        const bytes = Buffer.alloc(4);
        bytes.writeInt32BE(length);
        bad.socket.write(bytes);
        await bad.closed;
      }
      assert.equal((await neighbour.create(scene.path('a'))).error, 0);
    },
  },
  {
    name: 'a packet may have 1 MiB less a byte, and not one more',
    async run(scene) {
      const client = await scene.client();
      const room = 1_048_575 - overhead(scene.path('a'));
      assert.equal((await client.create(scene.path('a'), { data: Buffer.alloc(room, 'x') })).error, 0);
      assert.equal((await client.getData(scene.path('a'))).data?.length, room);
      await assert.rejects(client.create(scene.path('b'), { data: Buffer.alloc(room + 1) }), /closed/);
      const other = await scene.client();
      assert.equal((await other.exists(scene.path('b'))).error, code.noNode);
    },
  },
  {
    name: 'four-letter words: ruok, srvr, and a refusal of what is not allowed',
    async run(scene) {
      const client = await scene.client();
      const { zxid } = await client.ping();
      assert.equal(await fourLetterWord(scene.port, 'ruok'), 'imok');
      const srvr = await fourLetterWord(scene.port, 'srvr');
      assert.match(srvr, /^Zookeeper version: .+\nLatency min\/avg\/max: \d+\/[\d.]+\/\d+\nReceived: \d+\nSent: \d+\n/);
      assert.match(
        srvr,
        /\nConnections: \d+\nOutstanding: \d+\nZxid: 0x[0-9a-f]+\nMode: standalone\nNode count: \d+\n$/,
      );
      assert.ok(BigInt(/Zxid: (\w+)/.exec(srvr)?.[1] ?? 0) >= zxid);
      assert.match(await fourLetterWord(scene.port, 'stat'), /^Zookeeper version[\s\S]*\nMode: standalone\n/);
      const refused = 'dump is not executed because it is not in the whitelist.\n';
      assert.equal(await fourLetterWord(scene.port, 'dump'), refused);
    },
  },
];
