import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greeted, labels } from '../../../test/support/framed-server.ts';
import { call, frame, jsonOf, outputOf, preface, type } from '../../../test/support/raw-peer.ts';
import { Desk, world } from '../../../test/support/transport.ts';
import { Encoded } from '../../core/call.ts';
import { RpcError } from '../../core/error.ts';
import type { IncomingCall } from '../incoming.ts';

test('HELLO comes first, and says who serves what', async (t) => {
  const it = await world(t);
  const client = it.knock();
  client.send(preface);
  await it.settle();
  assert.deepEqual(
    client.frames.map(({ type, id }) => [type, id]),
    [[type.hello, 0]],
  );
  const { service, instance, worker, state, version } = jsonOf(client.frames[0]);
  assert.deepEqual(
    [service, instance, worker, state, version],
    ['test', '0123456789abcdef', { index: 0, of: 1 }, 'serving', 1],
  );
});

test('a preface with calls behind it in the same bytes loses none of them, wherever it is cut', async (t) => {
  const it = await world(t);
  const bytes = Buffer.concat([preface, call({ id: 1, input: '"one"' }), call({ id: 2, input: '"two"' })]);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const client = it.knock();
    client.send(bytes.subarray(0, cut));
    await it.settle();
    client.send(bytes.subarray(cut));
    await it.settle();
    assert.deepEqual(client.framesOf(type.reply).map(outputOf), ['one', 'two'], `cut at ${cut}`);
    client.stream.destroy();
  }
});

test('a handler gets all that the call says, and only when it asks', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = await greeted(it);
  it.clock.advance(500);
  client.send(
    call({ id: 1, name: 'some/thing', input: '{"a":[1]}', remaining: 250, attempt: 3, metadata: '{"k":"v"}' }),
  );
  client.send(call({ id: 2, input: '' }));
  await it.settle();
  const [first, second] = desk.calls as IncomingCall[];
  assert.deepEqual(
    [first!.service, first!.method, first!.input, first!.deadline, first!.attempt, { ...first!.metadata }],
    ['some', 'thing', { a: [1] }, 750, 3, { k: 'v' }],
  );
  assert.deepEqual(first!.payload, new Encoded('json', Buffer.from('{"a":[1]}')));
  assert.equal(first!.peer.address, 'memory');
  assert.deepEqual([second!.input, second!.deadline], [undefined, Number.POSITIVE_INFINITY]);
});

test('answers leave in the order in which they are there', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = await greeted(it);
  client.send(...[1, 2, 3, 4].map((id) => call({ id, input: `${id}0` })));
  await it.settle();
  for (const index of [2, 0, 3, 1]) {
    desk.answer(index);
    await it.settle();
  }
  assert.deepEqual(
    client.frames.map((f) => [f.id, outputOf(f)]),
    [
      [3, 30],
      [1, 10],
      [4, 40],
      [2, 20],
    ],
  );
});

test('what a handler throws is an ERROR, a refusal REFUSED, at once or later', async (t) => {
  const errors = [
    new RpcError('NOT_FOUND', 'none', { reason: 'NO_SUCH', retryAfter: 5 }),
    new RpcError('RESOURCE_EXHAUSTED', 'full', { reason: 'OVERLOADED', stage: 'refused' }),
    new Error('secret text'),
  ];
  for (const later of [false, true]) {
    const it = await world(t, {
      handler: ({ input }) => {
        const error = errors[input as number];
        if (!later) throw error;
        return Promise.reject(error);
      },
    });
    const client = await greeted(it);
    client.send(...errors.map((_, i) => call({ id: i + 1, input: `${i}` })));
    await it.settle();
    assert.deepEqual(
      client.frames.map(({ type }) => type),
      [type.error, type.refused, type.error],
    );
    assert.deepEqual(jsonOf(client.frames[0]), {
      code: 'NOT_FOUND',
      reason: 'NO_SUCH',
      message: 'none',
      retryAfter: 5,
    });
    assert.deepEqual(labels(client.frames).slice(1), [
      ['RESOURCE_EXHAUSTED', 'OVERLOADED'],
      ['INTERNAL', 'UNHANDLED'],
    ]);
    assert.equal(client.bytes.includes('secret'), false);
  }
});

test('an answer that cannot be sent is an error of the handler, and says that the call ran', async (t) => {
  const outputs: unknown[] = [10n, 'x'.repeat(1_023), 'x'.repeat(1_022)];
  const it = await world(t, {
    limits: { message: 1_024 },
    handler: ({ input }) => ({ output: outputs[input as number] }),
  });
  const client = await greeted(it);
  client.send(...outputs.map((_, i) => call({ id: i + 1, input: `${i}` })));
  await it.settle();
  assert.deepEqual(labels(client.framesOf(type.error)), [
    ['INTERNAL', undefined],
    ['RESOURCE_EXHAUSTED', 'TOO_LARGE'],
  ]);
  for (const error of client.framesOf(type.error)) assert.equal(jsonOf(error).mayHaveExecuted, true);
  assert.equal(client.framesOf(type.reply).length, 1);
});

test('cancel aborts the handler’s signal; the id stays taken until the answer', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = await greeted(it);
  client.send(call({ id: 1 }), call({ id: 2 }));
  await it.settle();
  const { signal } = desk.calls[0]!;
  client.send(frame(type.cancel, 1), frame(type.cancel, 1), frame(type.cancel, 99));
  await it.settle();
  assert.equal(signal.aborted, true);
  assert.equal((signal.reason as RpcError).code, 'CANCELLED');
  assert.equal(desk.calls[1]!.signal.aborted, false);
  assert.equal(it.listener.inFlight, 2, 'the handler has not ended');
  desk.answer(0, 'late');
  await it.settle();
  assert.deepEqual(client.frames.map(outputOf), ['late']);
  assert.equal(it.listener.inFlight, 1);
});

test('calls at work up to the limit are taken, one more is refused, cancelled ones count', async (t) => {
  const desk = new Desk();
  const it = await world(t, { limits: { calls: 3 }, handler: desk.handler });
  const client = await greeted(it);
  client.send(call({ id: 1 }), call({ id: 2 }), call({ id: 3 }), frame(type.cancel, 2), call({ id: 4 }));
  await it.settle();
  assert.equal(desk.calls.length, 3);
  assert.deepEqual(
    client.frames.map(({ type, id }) => [type, id]),
    [[type.refused, 4]],
  );
  assert.deepEqual(labels(client.frames), [['UNAVAILABLE', 'REFUSED']]);
  desk.answer(1);
  await it.settle();
  client.send(call({ id: 5 }), call({ id: 6 }));
  await it.settle();
  assert.deepEqual(client.frames.map(({ type, id }) => [type, id]).slice(1), [
    [type.reply, 2],
    [type.refused, 6],
  ]);
});

test('PING is answered by the load', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = await greeted(it);
  client.send(call({ id: 1 }), call({ id: 2 }), frame(type.ping, 0));
  await it.settle();
  assert.deepEqual(client.framesOf(type.pong).map(jsonOf), [{ inFlight: 2, queued: 0 }]);
});
