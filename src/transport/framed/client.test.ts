import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, hello, type RawPeer, reply, type } from '../../../test/support/raw-peer.ts';
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
import { FramedClient } from './client.ts';

interface Scene extends OurClient {
  clock: StoppableClock;
  /** The server, by hand. The client's preface is skipped. */
  server: RawPeer;
}

/** A client whose server has said HELLO, and does nothing else on its own. */
async function scene(changes: Partial<DialOptions> = {}, said = hello()): Promise<Scene> {
  const { network, clock, peers } = await rawServer();
  const listening = network.connect.bind(network);
  network.connect = (host, port) => {
    const stream = listening(host, port);
    setImmediate(() => peers[0]!.send(said));
    return stream;
  };
  const dialled = await connected(network, clock, changes);
  const server = peers[0]!;
  assert.equal(server.skip(5).toString('hex'), '45564b4c01');
  return Object.assign(dialled, { clock, server });
}

const drain = (lastId: number) => frame(type.drain, lastId);
const none = 2 ** 32 - 1;

test('each answer reaches its own caller, in whatever order it comes', async () => {
  const { connection, server, clock } = await scene();
  const calls = Array.from({ length: 50 }, (_, i) => connection.send(outgoing(i)));
  await clock.run(0);
  const ids = server.framesOf(type.call).map(({ id }) => id);
  assert.deepEqual(
    ids,
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
  assert.equal(connection.inFlight, 50);
  for (const id of ids.toReversed()) server.send(reply(id, `"answer ${id}"`));
  const outputs = (await Promise.all(calls)).map(({ output }) => output);
  assert.deepEqual(
    outputs,
    ids.map((id) => `answer ${id}`),
  );
  assert.equal(connection.inFlight, 0);
});

test('an answer may come in pieces of one byte', async () => {
  const { connection, server, clock } = await scene();
  const answer = watched(connection.send(outgoing(1)));
  for (const byte of Buffer.concat([reply(1, '"whole"')])) {
    assert.equal(answer.state, 'pending');
    server.send(Buffer.from([byte]));
    await clock.run(0);
  }
  assert.equal(answer.value?.output, 'whole');
});

test('metadata and raw bytes come through', async () => {
  const { connection, server } = await scene();
  const sent = connection.send(outgoing(undefined, { wantsEncoded: true }));
  const text = '{"a":"bé"}';
  server.send(
    frame(type.reply, 1, Buffer.from(`\x01\x00${String.fromCharCode(Buffer.byteLength(text))}\x00${text} 5 `)),
  );
  const { output, metadata } = await sent;
  assert.deepEqual(output, new Encoded('json', Buffer.from(' 5 ')));
  assert.equal(metadata?.a, 'bé');
});

test('the remaining time travels with a call', async () => {
  const { connection, server, clock } = await scene();
  clock.advance(1_000);
  for (const deadline of [clock.now() + 250, clock.now() - 5, Number.POSITIVE_INFINITY]) {
    watched(connection.send(outgoing(1, { deadline }), clock.now()));
  }
  await clock.run(0);
  assert.deepEqual(
    server.framesOf(type.call).map(({ body }) => body.readUInt32LE(4)),
    [250, 0, none],
  );
});

test('a server’s error is an answer; a refusal says that the call did not run', async () => {
  const { connection, server, clock } = await scene();
  const failed = watched(connection.send(outgoing(1)));
  const refused = watched(connection.send(outgoing(2)));
  server.send(frame(type.error, 1, '{"code":"NOT_FOUND","reason":"NO_SUCH","message":"none","mayHaveExecuted":true}'));
  server.send(frame(type.refused, 2, '{"code":"RESOURCE_EXHAUSTED","reason":"OVERLOADED","message":"full"}'));
  await clock.run(0);
  assert.deepEqual(
    [failed.error?.label, failed.error?.message, failed.error?.stage, failed.error?.mayHaveExecuted],
    ['NOT_FOUND/NO_SUCH', 'none', 'answered', true],
  );
  assert.deepEqual([refused.error?.label, refused.error?.stage], ['RESOURCE_EXHAUSTED/OVERLOADED', 'refused']);
  assert.equal(connection.state, 'open');
});

test('cancel tells the server, and the id stays taken until the answer', async () => {
  const { connection, server, clock } = await scene();
  const call = outgoing(1);
  const answer = watched(connection.send(call));
  await clock.run(0);
  call.cancel(new RpcError('CANCELLED', 'enough'));
  await clock.run(0);
  assert.deepEqual(
    [answer.error?.code, answer.error?.stage, answer.error?.mayHaveExecuted],
    ['CANCELLED', 'sent', true],
  );
  assert.deepEqual(
    server.framesOf(type.cancel).map(({ id }) => id),
    [1],
  );
  assert.equal(connection.inFlight, 1, 'the server still works on it');
  server.send(reply(1));
  await clock.run(0);
  assert.equal(connection.inFlight, 0);
  assert.equal(connection.state, 'open');
  call.cancel(new RpcError('CANCELLED', 'again'));
  await clock.run(0);
  assert.equal(server.framesOf(type.cancel).length, 1);
});

test('a call that was cancelled before it was sent is not sent', async () => {
  const { connection, server, clock } = await scene();
  const call = outgoing(1);
  call.cancel(new RpcError('DEADLINE_EXCEEDED', 'too late', { stage: 'sent' }));
  const { error } = await settled(clock, connection.send(call));
  assert.deepEqual([error?.code, error?.stage, error?.mayHaveExecuted], ['DEADLINE_EXCEEDED', 'unsent', false]);
  assert.equal(server.frames.length, 0);
});

async function settled<T>(clock: StoppableClock, promise: Promise<T>) {
  const seen = watched(promise);
  await clock.run(0);
  return seen;
}

test('a call over the server’s limits is not sent, and the connection goes on', async () => {
  const small = { message: 1_024, metadata: 64, calls: 10 };
  const { connection, server, clock } = await scene({}, hello({ limits: small }));
  const large = await settled(clock, connection.send(outgoing('x'.repeat(1_023))));
  assert.deepEqual([large.error?.label, large.error?.stage], ['RESOURCE_EXHAUSTED/TOO_LARGE', 'unsent']);
  const metadata = { a: 'x'.repeat(64) };
  const wide = await settled(clock, connection.send(outgoing(1, { metadata })));
  assert.equal(wide.error?.label, 'RESOURCE_EXHAUSTED/TOO_LARGE');
  const right = watched(connection.send(outgoing('x'.repeat(1_022))));
  server.send(reply(1, '"fits"'));
  await clock.run(0);
  assert.equal(right.value?.output, 'fits');
});

test('an answer over our limit, or that cannot be read, is that call’s alone', async () => {
  const { connection, server, clock } = await scene({ limits: limits({ message: 1_024, depth: 4 }) });
  const answers = Array.from({ length: 7 }, (_, i) => watched(connection.send(outgoing(i))));
  server.send(
    reply(1, `"${'x'.repeat(1_022)}"`),
    reply(2, `"${'x'.repeat(1_023)}"`),
    reply(3, '[[[[[]]]]]'),
    reply(4, '{"__proto__":1}'),
    frame(type.reply, 5, '\x00\x09null'),
    frame(type.reply, 6, '\x00'),
    reply(7, '[[[[1]]]]'),
  );
  await clock.run(0);
  assert.deepEqual(
    answers.map(({ error }) => error?.label),
    [
      undefined,
      'RESOURCE_EXHAUSTED/TOO_LARGE',
      'INTERNAL/PROTOCOL',
      'INTERNAL/PROTOCOL',
      'INTERNAL/PROTOCOL',
      'INTERNAL/PROTOCOL',
      undefined,
    ],
  );
  for (const { error } of answers) if (error !== undefined) assert.equal(error.mayHaveExecuted, true);
  assert.equal(connection.state, 'open');
});

test('what the protocol does not allow ends the connection; its calls are lost, and may have run', async () => {
  for (const [what, bytes] of Object.entries({
    'an answer to an id never used': reply(9),
    'an answer to id 0': reply(0),
    'a second answer': Buffer.concat([reply(2), reply(2)]),
    'a second refusal': Buffer.concat([frame(type.refused, 2, '{}'), reply(2)]),
    'a second HELLO': hello(),
    'an unknown type below 0x80': frame(0x7f, 0),
    'type 0': frame(0, 0),
    'a type for later versions': frame(0x0a, 2),
    'what only clients say': frame(type.ping, 0),
    'a length of 0': Buffer.from([0, 0, 0, 0]),
    'a length of 4': Buffer.from([4, 0, 0, 0]),
    'a length over the limit': Buffer.from([0xff, 0xff, 0xff, 0xff]),
  })) {
    const { connection, server, clock, causes } = await scene();
    const first = watched(connection.send(outgoing(1)));
    watched(connection.send(outgoing(2)));
    await clock.run(0);
    server.send(bytes);
    await clock.run(0);
    assert.equal(connection.state, 'closed', what);
    assert.deepEqual([first.error?.label, first.error?.stage], ['INTERNAL/PROTOCOL', 'sent'], what);
    assert.equal(first.error?.mayHaveExecuted, true, what);
    assert.equal(causes.length, 1, what);
    assert.equal(server.closed, true, what);
  }
});

test('unknown types from 0x80 on are skipped, before HELLO too', async () => {
  const later = (kind: number) => frame(kind, 77, 'whatever');
  const { connection, server, clock } = await scene({}, Buffer.concat([later(0x80), later(0xff), hello()]));
  const answer = watched(connection.send(outgoing(1)));
  server.send(later(0x80), reply(1, '"still here"'), later(0xfe));
  await clock.run(0);
  assert.equal(answer.value?.output, 'still here');
  assert.equal(connection.state, 'open');
});

test('an ERROR of the whole connection is why its calls were lost, not their answer', async () => {
  const { connection, server, clock, causes } = await scene();
  const answer = watched(connection.send(outgoing(1)));
  server.send(frame(type.error, 0, '{"code":"DEADLINE_EXCEEDED","reason":"PROTOCOL","message":"too slow"}'));
  await clock.run(0);
  assert.deepEqual([answer.error?.label, answer.error?.stage], ['UNAVAILABLE/CONNECTION_LOST', 'sent']);
  assert.match(answer.error?.message ?? '', /the server ended it: DEADLINE_EXCEEDED\/PROTOCOL: too slow/);
  assert.equal(causes[0]?.reason, 'CONNECTION_LOST');
});

test('a connection that is lost loses its calls, and takes no more', async () => {
  for (const how of ['end', 'destroy'] as const) {
    const { connection, server, clock, causes } = await scene();
    const answer = watched(connection.send(outgoing(1)));
    await clock.run(0);
    server.stream[how]();
    await clock.run(0);
    assert.deepEqual([answer.error?.label, answer.error?.stage], ['UNAVAILABLE/CONNECTION_LOST', 'sent'], how);
    assert.equal(answer.error?.mayHaveExecuted, true);
    assert.equal(causes.length, 1);
    const late = await settled(clock, connection.send(outgoing(2)));
    assert.deepEqual([late.error?.label, late.error?.stage], ['UNAVAILABLE/CONNECTION_LOST', 'unsent'], how);
  }
});

test('DRAIN, first step: no new calls; all that were sent are served', async () => {
  const scenery = await scene();
  const { connection, server, clock } = scenery;
  const answer = watched(connection.send(outgoing(1)));
  server.send(drain(none));
  await clock.run(0);
  assert.equal(connection.state, 'draining');
  assert.equal(scenery.drains, 1);
  const late = await settled(clock, connection.send(outgoing(2)));
  assert.equal(late.error?.stage, 'unsent');
  server.send(drain(none), reply(1, '"served"'));
  await clock.run(0);
  assert.equal(answer.value?.output, 'served');
  assert.equal(scenery.drains, 1, 'it is said once');
});

test('DRAIN, second step: calls above the last id were not started, those below go on', async () => {
  const { connection, server, clock } = await scene();
  const calls = [1, 2, 3, 4].map((input) => outgoing(input));
  const answers = calls.map((call) => watched(connection.send(call)));
  calls[3]!.cancel(new RpcError('CANCELLED', 'enough'));
  await clock.run(0);
  server.send(drain(none), drain(2));
  await clock.run(0);
  assert.deepEqual([answers[2]!.error?.label, answers[2]!.error?.stage], ['UNAVAILABLE/DRAINING', 'refused']);
  assert.equal(answers[2]!.error?.mayHaveExecuted, false);
  assert.equal(connection.inFlight, 2);
  server.send(reply(2, '"two"'), reply(1, '"one"'));
  await clock.run(0);
  assert.deepEqual(
    answers.slice(0, 2).map(({ value }) => value?.output),
    ['one', 'two'],
  );
});

test('the refusals behind the last DRAIN are no surprise, and cost the calls at work nothing', async () => {
  const { connection, server, clock } = await scene();
  const answers = [1, 2, 3].map((input) => watched(connection.send(outgoing(input))));
  server.send(drain(1));
  await clock.run(0);
  server.send(drain(none), frame(type.refused, 2, '{}'), frame(type.refused, 3, '{}'), reply(1, '"long"'));
  await clock.run(0);
  assert.equal(answers[0]!.value?.output, 'long');
  assert.deepEqual(
    answers.slice(1).map(({ error }) => error?.stage),
    ['refused', 'refused'],
  );
  assert.equal(connection.state, 'draining');
  server.send(reply(4));
  await clock.run(0);
  assert.equal(connection.state, 'closed', 'an id that was never used is one all the same');
});

test('a HELLO that says draining is a connection that drains', async () => {
  const scenery = await scene({}, hello({ state: 'draining' }));
  await scenery.clock.run(0);
  assert.equal(scenery.connection.state, 'draining');
  assert.equal(scenery.drains, 1);
});

test('ids end before 2^31: the last one drains the connection', async () => {
  const { network, clock, peers } = await rawServer();
  let drains = 0;
  const options = {
    clock,
    limits: limits(),
    heartbeat: { pingAfter: 1_000, deadAfter: 3_000 },
    idsAfter: 2 ** 31 - 3,
  };
  const events = { onHello() {}, onDrain: () => void drains++, onClose() {} };
  const client = new FramedClient(network.connect('server', 1), options, events);
  await clock.run(0);
  peers[0]!.skip(5);
  peers[0]!.send(hello());
  await clock.run(0);
  const before = watched(client.send(outgoing(1)));
  assert.equal(client.state, 'open');
  const last = watched(client.send(outgoing(2)));
  assert.deepEqual([client.state, drains], ['draining', 1]);
  await clock.run(0);
  assert.deepEqual(
    peers[0]!.frames.map(({ id }) => id),
    [2 ** 31 - 2, 2 ** 31 - 1],
  );
  peers[0]!.send(reply(2 ** 31 - 2), reply(2 ** 31 - 1));
  await clock.run(0);
  assert.ok(before.value !== undefined && last.value !== undefined);
});

test('a client that was just cut off sends nothing more, and says so', async () => {
  const { network, clock, peers } = await rawServer();
  const options = { clock, limits: limits(), heartbeat: { pingAfter: 1_000, deadAfter: 3_000 } };
  const client = new FramedClient(network.connect('server', 1), options, { onHello() {}, onDrain() {}, onClose() {} });
  await clock.run(0);
  peers[0]!.send(hello());
  await clock.run(0);
  client.destroy();
  const late = watched(client.send(outgoing(1)));
  await clock.run(0);
  assert.equal(late.error?.stage, 'unsent');
});

test('a HELLO may be longer than the messages that are taken', async () => {
  const methods = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`method${i}`, { idempotent: true }]));
  const { connection } = await scene({ limits: limits({ message: 1_024, metadata: 0 }) }, hello({ methods }));
  assert.equal(Object.keys(connection.hello!.methods).length, 500);
});

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

test('a server that answers PING lives, for as long as it does; its PONG tells its load', async () => {
  const { connection, server, clock } = await scene();
  for (let round = 1; round <= 10; round++) {
    await clock.run(1_000);
    assert.equal(server.framesOf(type.ping).length > 0, true);
    server.skip(server.bytes.length);
    server.send(frame(type.pong, 0, `{"inFlight":${round},"queued":2,"later":true}`));
    await clock.run(0);
    assert.deepEqual(connection.load, { inFlight: round, queued: 2 });
  }
  assert.equal(connection.state, 'open');
  server.send(frame(type.pong, 0, '{"inFlight":-5,"queued":"many"}'));
  await clock.run(0);
  assert.deepEqual(connection.load, { inFlight: 0, queued: 0 });
  server.send(frame(type.pong, 0, 'not JSON'));
  await clock.run(0);
  assert.equal(connection.load, undefined);
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

test('a HELLO that cannot be read, another first frame, or an error instead of it: no connection', async () => {
  for (const [bytes, sentence] of [
    [hello({ version: 2 }), /HELLO cannot be read: version 2, expected 1/],
    [hello({ limits: {} }), /HELLO cannot be read/],
    [reply(1), /frame type 3 before HELLO/],
    [frame(type.pong, 0), /frame type 7 before HELLO/],
    [frame(type.error, 5, '{}'), /frame type 4 before HELLO/],
    [
      frame(type.error, 0, '{"code":"UNIMPLEMENTED","message":"version 1 is too old"}'),
      /the server ended it: UNIMPLEMENTED: version 1 is too old/,
    ],
    [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /bytes long: at most/],
  ] as const) {
    await assert.rejects(scene({}, bytes), (error) => {
      assert.ok(RpcError.is(error));
      assert.deepEqual([error.label, error.stage], ['UNAVAILABLE/CONNECT_FAILED', 'unsent']);
      assert.match(error.message, sentence);
      return true;
    });
  }
});

test('REFUSED carries what it says to the caller', async () => {
  const { connection, server, clock } = await scene();
  const answer = watched(connection.send(outgoing(1)));
  server.send(frame(type.refused, 1, '{"code":"UNAVAILABLE","reason":"REFUSED","message":"full","retryAfter":50}'));
  await clock.run(0);
  assert.deepEqual(
    [answer.error?.label, answer.error?.retryAfter, answer.error?.mayHaveExecuted],
    ['UNAVAILABLE/REFUSED', 50, false],
  );
});
