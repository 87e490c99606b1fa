import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, errorCode, results } from '../../../test/support/classic-peer.ts';
import { classic } from '../../../test/support/raw-peer.ts';
import { Desk, echo, world } from '../../../test/support/transport.ts';
import { RpcError } from '../../core/error.ts';
import type { IncomingCall } from '../incoming.ts';

test('calls are answered by their names', async (t) => {
  const it = await world(t);
  const client = it.knock();
  client.send(classic('{"in":"ping"}'), ask(98, 'pi'), ask({ a: [1] }), classic(' {"params":1,"in":"m","more":2} '));
  await it.settle();
  assert.deepEqual(client.messages, [
    { out: 'pong', result: null },
    { out: 'pi_r', result: 98 },
    { out: 'echo_r', result: { a: [1] } },
    { out: 'm_r', result: 1 },
  ]);
});

test('a handler gets the name of the only service, no deadline and no metadata', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  it.knock().send(ask(5, 'pi'));
  await it.settle();
  const call = desk.calls[0] as IncomingCall;
  assert.deepEqual(
    [
      call.service,
      call.method,
      call.input,
      call.deadline,
      call.attempt,
      { ...call.metadata },
      call.codec,
      call.payload,
    ],
    ['test', 'pi', 5, Number.POSITIVE_INFINITY, 1, {}, undefined, 5],
  );
});

test('any cut of the stream gives the same answers', async (t) => {
  const it = await world(t);
  const bytes = Buffer.concat([ask(1), ask('zwei'), ask(3)]);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const client = it.knock();
    client.send(bytes.subarray(0, cut));
    await it.settle();
    client.send(bytes.subarray(cut));
    await it.settle();
    assert.deepEqual(results(client), [1, 'zwei', 3], `cut at ${cut}`);
    client.stream.destroy();
  }
});

test('handlers that end out of order are answered in order', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = it.knock();
  client.send(...[0, 1, 2, 3, 4].map((i) => ask(i)));
  await it.settle();
  assert.equal(desk.calls.length, 5);
  desk.answer(2);
  desk.fail(1, new RpcError('NOT_FOUND', 'none'));
  await it.settle();
  assert.deepEqual(client.messages, []);
  desk.answer(0);
  await it.settle();
  assert.deepEqual(client.messages, [
    { out: 'echo_r', result: 0 },
    { out: 'error', result: { code: 'NOT_FOUND', message: 'none' } },
    { out: 'echo_r', result: 2 },
  ]);
  desk.answer(4);
  desk.answer(3);
  await it.settle();
  assert.deepEqual(results(client).slice(3), [3, 4]);
});

test('a thousand calls in one piece are answered in order, whether handlers answer at once or later', async (t) => {
  for (const later of [false, true]) {
    const it = await world(t, { handler: later ? async ({ input }) => ({ output: input }) : echo });
    const client = it.knock();
    const inputs = Array.from({ length: 1_000 }, (_, i) => i);
    client.send(...inputs.map((i) => ask(i)));
    await it.settle();
    assert.deepEqual(results(client), inputs);
  }
});

test('what a handler throws is an error by its code, an unknown one without its text', async (t) => {
  const it = await world(t, {
    handler: ({ input }) => {
      if (input === 0) throw new RpcError('ABORTED', 'not now', { reason: 'MINE' });
      throw new Error('secret');
    },
  });
  const client = it.knock();
  client.send(ask(0), ask(1));
  await it.settle();
  assert.deepEqual(client.messages, [
    { out: 'error', result: { code: 'ABORTED', message: 'not now' } },
    { out: 'error', result: { code: 'INTERNAL', message: 'the handler failed' } },
  ]);
});

test('an answer that cannot be written is the handler’s error', async (t) => {
  const outputs = [10n, 'x'.repeat(1_100), 'fine'];
  const it = await world(t, {
    limits: { message: 1_024 },
    handler: ({ input }) => ({ output: outputs[input as number] }),
  });
  const client = it.knock();
  client.send(ask(0), ask(1), ask(2));
  await it.settle();
  assert.deepEqual(
    client.messages.map(({ out }) => out),
    ['error', 'error', 'echo_r'],
  );
  assert.deepEqual(client.messages.slice(0, 2).map(errorCode), ['INTERNAL', 'RESOURCE_EXHAUSTED']);
});
