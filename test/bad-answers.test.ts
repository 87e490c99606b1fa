/**
 * Bad answers on real sockets: a server by hand says what no server should. Expected: each call ends, in an answer or in an
 * RpcError; the client lives, holds nothing, and serves calls to good servers all the while.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../src/core/clock.ts';
import { endpoint } from '../src/core/endpoint.ts';
import { RpcError } from '../src/core/error.ts';
import { seeded } from '../src/core/random.ts';
import type { Connection } from '../src/transport/connection.ts';
import { dial } from '../src/transport/dial.ts';
import { heartbeatDefaults } from '../src/transport/heartbeat.ts';
import { tcp } from '../src/transport/network.ts';
import { limits } from '../src/wire/limits.ts';
import { heldMemory } from './support/memory.ts';
import { chosenSeed, mutate } from './support/mutate.ts';
import { classic, frame, hello, reply, type } from './support/raw-peer.ts';
import { outgoing } from './support/transport.ts';
import { Victim } from './support/victim.ts';

/** A server that says, to each connection, what `script` gives, once something was said to it. */
async function liar(t: TestContext, script: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', () => script(socket));
    socket.on('data', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as { port: number }).port;
}

function connected(port: number, protocol: 'framed' | 'classic'): Promise<Connection> {
  return dial(
    endpoint({ host: '127.0.0.1', port, protocol }),
    {
      network: tcp,
      clock: systemClock,
      limits: limits(),
      random: seeded(1),
      heartbeat: heartbeatDefaults,
      helloTimeout: 30_000,
      service: undefined,
    },
    { onDrain() {}, onClose() {} },
  );
}

test('10,000 mutated answers to the client', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`EVENKEEL_SEED=${seed}`);
  const random = seeded(seed);
  const victim = await Victim.start(t);
  const witness = victim.witness(t);
  const good = {
    framed: [
      reply(1, '{"a":[1,2]}'),
      reply(2, '"text"'),
      frame(type.reply, 3, '\x01\x00\x09\x00{"k":"v"}5'),
      frame(type.error, 4, '{"code":"NOT_FOUND","message":"none","reason":"X"}'),
      frame(type.refused, 5, '{"code":"UNAVAILABLE","reason":"REFUSED","message":"full"}'),
      frame(type.pong, 0, '{"inFlight":3,"queued":0}'),
      frame(type.drain, 2 ** 32 - 1),
      frame(type.drain, 3),
      frame(0x90, 3, 'later'),
    ],
    classic: [
      classic({ out: 'echo_r', result: { a: [1, 2] } }),
      classic({ out: 'echo_r', result: 'text' }),
      classic({ out: 'error', result: { code: 'NOT_FOUND', message: 'none' } }),
      classic('{"out":"error","result":"words"}'),
    ],
  };
  const first = { framed: hello(), classic: classic({ out: 'pong', result: null }) };
  let sent = 0;
  const script = (protocol: 'framed' | 'classic') => (socket: Socket) => {
    if (random() < 0.1) {
      socket.end(mutate(first[protocol], random));
      return;
    }
    socket.write(first[protocol]);
    // The calls: all in one piece.
    socket.once('data', () => {
      const frames = good[protocol].toSorted(() => random() - 0.5);
      sent += frames.length;
      socket.end(Buffer.concat(frames.map((bytes) => (random() < 0.4 ? mutate(bytes, random) : bytes))));
    });
  };
  const ports = { framed: await liar(t, script('framed')), classic: await liar(t, script('classic')) };
  const ends = new Map<string, number>();
  const note = (end: string) => ends.set(end, (ends.get(end) ?? 0) + 1);
  const visit = async (protocol: 'framed' | 'classic') => {
    let connection: Connection;
    try {
      connection = await connected(ports[protocol], protocol);
    } catch (error) {
      assert.ok(RpcError.is(error) && error.stage === 'unsent', String(error));
      return note('no connection');
    }
    const calls = Array.from({ length: 8 }, (_, i) => connection.send(outgoing(i, { wantsEncoded: i % 4 === 3 })));
    for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      if (status !== 'rejected') note('answered');
      else {
        assert.ok(RpcError.is(reason), String(reason));
        note(`${reason.stage}`);
      }
    }
    await connection.close(0);
    assert.equal(connection.state, 'closed');
    assert.equal(connection.inFlight, 0);
  };
  while (sent < 10_000) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => visit(i % 2 === 0 ? 'framed' : 'classic')));
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(ends)));
  for (const end of ['no connection', 'answered', 'sent', 'refused']) assert.ok((ends.get(end) ?? 0) > 50, end);
  await witness.settle();
});

test('a server that announces much and sends little takes no memory of ours', async (t) => {
  const ports = {
    framed: await liar(t, (socket) => void socket.write(Buffer.concat([hello(), Buffer.from([0, 0, 0x40, 0, 3])]))),
    classic: await liar(t, (socket) => {
      socket.write(Buffer.concat([classic({ out: 'pong', result: null }), Buffer.from([0, 0, 0x40, 0, 0x7b])]));
    }),
  };
  const before = heldMemory();
  const both = (['framed', 'classic'] as const).flatMap((protocol) =>
    Array.from({ length: 100 }, () => connected(ports[protocol], protocol)),
  );
  const connections = await Promise.all(both);
  const grown = heldMemory() - before;
  t.diagnostic(`${grown} bytes held for 800 MiB announced`);
  assert.ok(grown < 32 * 1_048_576, `${grown} bytes`);
  await Promise.all(connections.map((connection) => connection.close(0)));
});

test('a server that goes on talking after its end of the protocol is left at once', async (t) => {
  let left = 0;
  const port = await liar(t, (socket) => {
    socket.on('close', () => left++);
    socket.write(Buffer.concat([hello(), reply(77)]));
    const more = () => {
      if (!socket.destroyed) socket.write(Buffer.alloc(65_536, 0x20), more);
    };
    more();
  });
  for (let i = 0; i < 10; i++) {
    const connection = await connected(port, 'framed');
    await connection.close(0);
    assert.equal(connection.state, 'closed');
  }
  const since = systemClock.now();
  while (left < 10 && systemClock.now() - since < 30_000) await systemClock.sleep(5);
  assert.equal(left, 10);
});
