import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drain, scene } from '../../../test/support/framed-client.ts';
import { frame, hello, reply, type } from '../../../test/support/raw-peer.ts';
import { connected, outgoing, rawServer, watched } from '../../../test/support/transport.ts';

test('a silent server is asked after a second, and dead after three', async () => {
  const { connection, server, clock, causes } = await scene();
  const answer = watched(connection.send(outgoing(1)));
  await clock.run(900);
  assert.equal(server.framesOf(type.ping).length, 0);
  await clock.run(200);
  assert.equal(server.framesOf(type.ping).length, 1);
  assert.equal(connection.heartbeatOverdue, false);
  await clock.run(1_400);
  assert.equal(connection.heartbeatOverdue, true);
  assert.equal(connection.state, 'open');
  await clock.run(600);
  assert.equal(connection.state, 'closed');
  assert.match(causes[0]?.message ?? '', /no sign of life for 3\d\d\d ms/);
  assert.deepEqual([answer.error?.label, answer.error?.stage], ['UNAVAILABLE/CONNECTION_LOST', 'sent']);
});

test('a server is not taken for dead because this process was stopped', async () => {
  const { connection, server, clock } = await scene();
  await clock.run(1_100);
  assert.equal(server.framesOf(type.ping).length, 1);
  clock.stop(60_000);
  await clock.run(1_500);
  assert.equal(connection.state, 'open');
  server.send(frame(type.pong, 0, '{}'));
  await clock.run(900);
  assert.equal(connection.state, 'open');
  await clock.run(3_200);
  assert.equal(connection.state, 'closed', 'afterwards silence counts again');
});

test('a server that answers PING lives, for as long as it does', async () => {
  const { connection, server, clock } = await scene();
  for (let round = 1; round <= 10; round++) {
    await clock.run(1_000);
    assert.equal(server.framesOf(type.ping).length > 0, true);
    server.skip(server.bytes.length);
    server.send(frame(type.pong, 0, `{"inFlight":${round},"queued":2}`));
    await clock.run(0);
    assert.equal(connection.load?.inFlight, round);
  }
  assert.equal(connection.state, 'open');
});

test('anything that comes in is a sign of life, half a frame too', async () => {
  const { connection, server, clock } = await scene();
  const answer = watched(connection.send(outgoing(1)));
  const bytes = reply(1, '"slow"');
  for (const byte of bytes) {
    server.send(Buffer.from([byte]));
    await clock.run(900);
  }
  assert.equal(answer.value?.output, 'slow');
  assert.equal(connection.state, 'open');
  assert.equal(server.framesOf(type.ping).length, 0);
});

test('a slow reader of a large call lives; one that reads nothing is dead', async () => {
  for (const reads of [true, false]) {
    const { network, clock, peers } = await rawServer(false);
    const connecting = network.connect.bind(network);
    network.connect = (host, port) => {
      const stream = connecting(host, port);
      setImmediate(() => peers[0]!.stream.write(hello()));
      return stream;
    };
    const { connection } = await connected(network, clock);
    const answer = watched(connection.send(outgoing('x'.repeat(4_000_000))));
    const { stream } = peers[0]!;
    let taken = 0;
    for (let ms = 0; ms < 10_000 && connection.state === 'open'; ms += 500) {
      if (reads) taken += (stream.read() as Buffer | null)?.length ?? 0;
      await clock.run(500);
    }
    assert.equal(connection.state, reads ? 'open' : 'closed');
    if (reads) assert.ok(taken > 1_000_000, `${taken} taken: the test must last longer than any patience`);
    else assert.match(answer.error?.message ?? '', /no sign of life/);
    stream.destroy();
    await clock.run(0);
  }
});

test('close waits for the calls at work, then ends', async () => {
  const { connection, server, clock } = await scene();
  const answer = watched(connection.send(outgoing(1)));
  await clock.run(0);
  const closed = watched(connection.close(5_000).then(() => 'closed'));
  assert.equal(connection.state, 'draining');
  await clock.run(900);
  assert.equal(server.ended, false);
  server.send(reply(1, '"done"'));
  await clock.run(0);
  assert.equal(answer.value?.output, 'done');
  assert.equal(server.ended, true);
  server.stream.end();
  await clock.run(0);
  assert.equal(closed.value, 'closed');
});

test('close does not wait for calls that the server will not serve', async () => {
  const { connection, server, clock } = await scene();
  watched(connection.send(outgoing(1)));
  void connection.close(600_000);
  await clock.run(0);
  assert.equal(server.ended, false);
  server.send(drain(0));
  await clock.run(0);
  assert.equal(server.ended, true);
});

test('close does not wait longer than its grace, nor for a server that does not end', async () => {
  const { connection, server, clock } = await scene();
  const answer = watched(connection.send(outgoing(1)));
  const closed = watched(connection.close(200).then(() => 'closed'));
  await clock.run(199);
  assert.equal(closed.state, 'pending');
  await clock.run(1);
  assert.equal(closed.value, 'closed');
  assert.deepEqual([answer.error?.reason, answer.error?.stage], ['CONNECTION_LOST', 'sent']);
  assert.equal(server.closed, true);

  const idle = await scene();
  const ended = watched(idle.connection.close(60_000).then(() => 'closed'));
  await idle.clock.run(0);
  assert.deepEqual([idle.server.ended, ended.value], [true, undefined]);
  await idle.clock.run(1_000);
  assert.equal(ended.value, 'closed');
  await idle.connection.close(60_000);
});

test('of two closings the shorter grace counts, both are told, and no timer is left', async () => {
  const { connection, clock } = await scene();
  watched(connection.send(outgoing(1)));
  const first = watched(connection.close(600_000).then(() => 'closed'));
  const second = watched(connection.close(100).then(() => 'closed'));
  await clock.run(100);
  assert.deepEqual([first.value, second.value], ['closed', 'closed']);
  assert.equal(clock.pending, 0);
});

test('a client reads on, however much of its own waits to be written', async () => {
  const { connection, server, clock } = await scene();
  // The server does not read: its answers must be read all the same, or both would wait for ever.
  server.stream.pause();
  const answers = Array.from({ length: 30 }, (_, i) => watched(connection.send(outgoing('x'.repeat(200_000 + i)))));
  await clock.run(0);
  for (let id = 1; id <= 30; id++) server.send(reply(id, `${id}`));
  await clock.run(0);
  assert.deepEqual(
    answers.map(({ value }) => value?.output),
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
});
