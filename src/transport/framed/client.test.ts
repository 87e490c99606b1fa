import assert from 'node:assert/strict';
import { test } from 'node:test';
import { none, scene, settled } from '../../../test/support/framed-client.ts';
import { frame, hello, reply, type } from '../../../test/support/raw-peer.ts';
import { outgoing, watched } from '../../../test/support/transport.ts';
import { Encoded } from '../../core/call.ts';
import { RpcError } from '../../core/error.ts';
import { limits } from '../../wire/limits.ts';

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
