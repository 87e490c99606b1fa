import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drain, none, scene, settled } from '../../../test/support/framed-client.ts';
import { frame, hello, reply, type } from '../../../test/support/raw-peer.ts';
import { outgoing, rawServer, watched } from '../../../test/support/transport.ts';
import { RpcError } from '../../core/error.ts';
import { seeded } from '../../core/random.ts';
import { limits } from '../../wire/limits.ts';
import { heartbeatDefaults } from '../heartbeat.ts';
import { FramedClient } from './client.ts';

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
    heartbeat: heartbeatDefaults,
    random: seeded(1),
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
  const options = { clock, limits: limits(), heartbeat: heartbeatDefaults, random: seeded(1) };
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
