import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classic, type RawPeer } from '../../../test/support/raw-peer.ts';
import {
  connected,
  type OurClient,
  outgoing,
  rawServer,
  type StoppableClock,
  watched,
} from '../../../test/support/transport.ts';
import { Encoded } from '../../core/call.ts';
import { RpcError } from '../../core/error.ts';
import { limits } from '../../wire/limits.ts';
import type { DialOptions } from '../dial.ts';

interface Scene extends OurClient {
  clock: StoppableClock;
  server: RawPeer;
}

const answer = (result: unknown, out = 'echo_r') => classic({ out, result });
const pong = answer(null, 'pong');

/** A client whose server has answered the first ping with `said`, and does nothing else on its own. */
async function scene(changes: Partial<DialOptions> = {}, said = pong): Promise<Scene> {
  const { network, clock, peers } = await rawServer();
  const connecting = network.connect.bind(network);
  network.connect = (host, port) => {
    const stream = connecting(host, port);
    setImmediate(() => peers[0]!.send(said));
    return stream;
  };
  const ours = await connected(network, clock, { protocol: 'classic', ...changes });
  const server = peers[0]!;
  assert.deepEqual(server.messages, [{ in: 'ping', params: null }]);
  server.skip(server.bytes.length);
  return Object.assign(ours, { clock, server });
}

test('a server is there when it answers a ping, with whatever it has to say to that', async () => {
  const { connection } = await scene();
  assert.deepEqual([connection.state, connection.hello, connection.inFlight], ['open', undefined, 0]);
  const unwilling = await scene({}, classic('{"out":"error","result":{"code":"UNIMPLEMENTED","message":"no ping"}}'));
  assert.equal(unwilling.connection.state, 'open');
});

test('answers come in the order of the calls', async () => {
  const { connection, server, clock } = await scene();
  const answers = ['a', 'b', 'c'].map((input) => watched(connection.send(outgoing(input, { method: input }))));
  await clock.run(0);
  assert.deepEqual(server.messages, [
    { in: 'a', params: 'a' },
    { in: 'b', params: 'b' },
    { in: 'c', params: 'c' },
  ]);
  assert.equal(connection.inFlight, 3);
  server.send(answer(1, 'a_r'), answer({ x: [2] }, 'b_r'));
  await clock.run(0);
  assert.deepEqual(
    answers.map(({ value }) => value?.output),
    [1, { x: [2] }, undefined],
  );
  assert.equal(connection.inFlight, 1);
});

test('an error that may come from a handler that has run says so: this protocol has no word for it', async () => {
  const { connection, server, clock } = await scene();
  const codes = ['INTERNAL', 'DEADLINE_EXCEEDED', 'UNAVAILABLE', 'no code of ours', 'INVALID_ARGUMENT', 'NOT_FOUND'];
  const calls = codes.map(() => watched(connection.send(outgoing(1))));
  await clock.run(0);
  for (const code of codes) server.send(classic({ out: 'error', result: { code, message: 'why' } }));
  await clock.run(0);
  assert.deepEqual(
    calls.map(({ error }) => [error?.code, error?.stage, error?.mayHaveExecuted]),
    [
      ['INTERNAL', 'answered', true],
      ['DEADLINE_EXCEEDED', 'answered', true],
      ['UNAVAILABLE', 'answered', true],
      ['UNKNOWN', 'answered', true],
      ['INVALID_ARGUMENT', 'answered', false],
      ['NOT_FOUND', 'answered', false],
    ],
  );
});

test('an error is the answer to its own call, and the next goes on', async () => {
  const { connection, server, clock } = await scene();
  const failed = watched(connection.send(outgoing(1)));
  const served = watched(connection.send(outgoing(2)));
  server.send(classic('{"out":"error","result":{"code":"NOT_FOUND","message":"none"}}'), answer(2));
  await clock.run(0);
  assert.deepEqual([failed.error?.code, failed.error?.message, failed.error?.stage], ['NOT_FOUND', 'none', 'answered']);
  assert.equal(served.value?.output, 2);
});

test('a cancelled call keeps its place', async () => {
  const { connection, server, clock } = await scene();
  const call = outgoing(1);
  const cancelled = watched(connection.send(call));
  const next = watched(connection.send(outgoing(2)));
  call.cancel(new RpcError('CANCELLED', 'enough'));
  await clock.run(0);
  assert.deepEqual([cancelled.error?.code, cancelled.error?.stage], ['CANCELLED', 'sent']);
  assert.equal(connection.inFlight, 2);
  server.send(answer('of the cancelled one'), answer('of the next'));
  await clock.run(0);
  assert.equal(next.value?.output, 'of the next');
});

test('a call cancelled before it is sent, or over the limit, is not sent', async () => {
  const { connection, server, clock } = await scene({ limits: limits({ message: 1_024 }) });
  const call = outgoing(1);
  call.cancel(new RpcError('CANCELLED', 'enough'));
  const cancelled = watched(connection.send(call));
  const large = watched(connection.send(outgoing('x'.repeat(1_024))));
  await clock.run(0);
  assert.deepEqual([cancelled.error?.stage, large.error?.stage], ['unsent', 'unsent']);
  assert.equal(large.error?.label, 'RESOURCE_EXHAUSTED/TOO_LARGE');
  assert.deepEqual([server.messages, connection.inFlight], [[], 0]);
});

test('an answer wanted as bytes comes as bytes', async () => {
  const { connection, server } = await scene();
  const sent = connection.send(outgoing(new Encoded('json', Buffer.from('[1]')), { wantsEncoded: true }));
  server.send(answer([1]));
  assert.deepEqual((await sent).output, new Encoded('json', Buffer.from('[1]')));
});

test('what the protocol does not allow ends the connection; its calls are lost, and may have run', async () => {
  for (const [what, bytes] of Object.entries({
    'an answer to another method': answer(1, 'other_r'),
    'an answer without a name': classic('{"result":1}'),
    'no JSON': classic('{nonsense}'),
    'no object': classic('[1]'),
    'what only clients say': classic('{"in":"echo","params":1}'),
    'an answer too many': Buffer.concat([answer(1), answer(2), answer(3)]),
    'length 0': Buffer.from('00000000', 'hex'),
    'length 2^32-1': Buffer.from('ffffffff', 'hex'),
    'a first byte that begins no object': Buffer.from('0500000022', 'hex'),
    'an answer that is too deep': answer(JSON.parse(`${'['.repeat(65)}${']'.repeat(65)}`)),
  })) {
    const { connection, server, clock, causes } = await scene();
    const first = watched(connection.send(outgoing(1)));
    const second = watched(connection.send(outgoing(2)));
    await clock.run(0);
    server.send(bytes);
    await clock.run(0);
    assert.equal(connection.state, 'closed', what);
    assert.equal(causes[0]?.reason, 'PROTOCOL', what);
    assert.equal(causes[0]?.message.match(/the server broke the protocol: /g)?.length ?? 1, 1, causes[0]?.message);
    if (what !== 'an answer too many') {
      for (const { error } of [first, second]) {
        assert.deepEqual(
          [error?.label, error?.stage, error?.mayHaveExecuted],
          ['INTERNAL/PROTOCOL', 'sent', true],
          what,
        );
      }
    }
  }
});

test('a connection that is lost loses its calls, and takes no more', async () => {
  const { connection, server, clock, causes } = await scene();
  const call = watched(connection.send(outgoing(1)));
  await clock.run(0);
  server.stream.end();
  await clock.run(0);
  assert.deepEqual([call.error?.label, call.error?.stage], ['UNAVAILABLE/CONNECTION_LOST', 'sent']);
  assert.equal(causes.length, 1);
  const late = watched(connection.send(outgoing(2)));
  await clock.run(0);
  assert.equal(late.error?.stage, 'unsent');
});

test('while calls are at work no ping is sent, and silence proves nothing', async () => {
  const { connection, server, clock } = await scene();
  const call = watched(connection.send(outgoing('slow')));
  await clock.run(60_000);
  assert.deepEqual(server.messages, [{ in: 'echo', params: 'slow' }]);
  assert.deepEqual([connection.state, connection.heartbeatOverdue], ['open', false]);
  server.send(answer('slow'));
  await clock.run(0);
  assert.equal(call.value?.output, 'slow');
});

test('an idle server is pinged after a second, and dead after three', async () => {
  const { connection, server, clock, causes } = await scene();
  await clock.run(1_250);
  assert.deepEqual(server.messages, [{ in: 'ping', params: null }]);
  server.send(pong);
  await clock.run(1_000);
  assert.equal(server.messages.length, 2);
  await clock.run(1_500);
  assert.equal(connection.heartbeatOverdue, true);
  await clock.run(1_000);
  assert.equal(connection.state, 'closed');
  assert.match(causes[0]?.message ?? '', /no sign of life/);
});

test('close waits for the answers due, pings included, then ends', async () => {
  const { connection, server, clock } = await scene();
  const call = watched(connection.send(outgoing(1)));
  const closed = watched(connection.close(5_000).then(() => 'closed'));
  const late = watched(connection.send(outgoing(2)));
  await clock.run(0);
  assert.equal(late.error?.stage, 'unsent');
  assert.equal(server.ended, false);
  server.send(answer(1));
  await clock.run(0);
  assert.deepEqual([call.value?.output, server.ended], [1, true]);
  server.stream.end();
  await clock.run(0);
  assert.equal(closed.value, 'closed');
  assert.equal(clock.pending, 0);
});

test('close does not wait longer than its grace', async () => {
  const { connection, clock } = await scene();
  const call = watched(connection.send(outgoing(1)));
  const closed = watched(connection.close(100).then(() => 'closed'));
  await clock.run(100);
  assert.deepEqual([closed.value, call.error?.reason], ['closed', 'CONNECTION_LOST']);
});
