import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldMemory } from '../../../test/support/memory.ts';
import { classic, type RawPeer } from '../../../test/support/raw-peer.ts';
import { Desk, echo, world } from '../../../test/support/transport.ts';
import { RpcError } from '../../core/error.ts';
import type { IncomingCall } from '../incoming.ts';

const ask = (params: unknown, method = 'echo') => classic({ in: method, params });
const results = (peer: RawPeer) => peer.messages.map(({ result }) => result);
const errorCode = (message: { out?: string; result?: unknown } | undefined) => {
  assert.equal(message?.out, 'error', JSON.stringify(message));
  return (message.result as { code: string }).code;
};

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

test('a message that is none is answered in its turn, and the next is read', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = it.knock();
  client.send(
    ask('first'),
    classic('{"in":"pi","params":NaN}'),
    classic('{}'),
    classic('{"in":5}'),
    classic(`{"in":"m","params":${'['.repeat(65)}${']'.repeat(65)}}`),
    classic('{"in":"m","params":{"__proto__":1}}'),
    ask('last'),
  );
  await it.settle();
  assert.equal(client.messages.length, 0, 'the first is still at work');
  desk.answer(0);
  desk.answer(1);
  await it.settle();
  const { messages } = client;
  assert.equal(messages.length, 7);
  assert.deepEqual([messages[0]?.result, messages[6]?.result], ['first', 'last']);
  for (const message of messages.slice(1, 6)) assert.equal(errorCode(message), 'INVALID_ARGUMENT');
  assert.equal(client.ended, false);
});

test('what is no stream of messages: the answers due, one coded error, one debug line, the end', async (t) => {
  for (const [what, bytes, code] of [
    ['length 0', Buffer.from('00000000', 'hex'), 'INTERNAL'],
    ['length 2^31', Buffer.from('00000080', 'hex'), 'RESOURCE_EXHAUSTED'],
    ['length 2^32-1', Buffer.from('ffffffff', 'hex'), 'RESOURCE_EXHAUSTED'],
    ['one more than the limit', Buffer.from('01040000', 'hex'), 'RESOURCE_EXHAUSTED'],
    ['a first byte that begins no object', Buffer.from('0500000022', 'hex'), 'INVALID_ARGUMENT'],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'RESOURCE_EXHAUSTED'],
    ['a preface, too late', Buffer.from('EVKL\x01'), 'RESOURCE_EXHAUSTED'],
  ] as const) {
    const desk = new Desk();
    const it = await world(t, { handler: desk.handler, limits: { message: 1_024 } });
    const client = it.knock();
    client.send(ask('before'));
    await it.settle();
    client.send(bytes, ask('behind'));
    await it.settle();
    client.send(ask('far behind'));
    await it.settle();
    assert.deepEqual([desk.calls.length, client.messages.length, client.ended], [1, 0, false], what);
    desk.answer(0);
    await it.settle();
    const [answer, error, ...more] = client.messages;
    assert.deepEqual([answer?.result, more.length, client.ended], ['before', 0, true], what);
    assert.equal(errorCode(error), code, what);
    assert.deepEqual(it.lines.length, 1, `${it.lines}`);
    assert.match(it.lines[0]!, /^debug closed a connection: /);
    client.stream.end();
    await it.settle();
    assert.equal(it.listener.connections, 0);
  }
});

test('a message of the limit is taken', async (t) => {
  const it = await world(t, { limits: { message: 1_024 }, handler: () => ({ output: 1 }) });
  const client = it.knock();
  const message = (size: number) =>
    classic(`{"in":"echo","params":"${'x'.repeat(size - '{"in":"echo","params":""}'.length)}"}`);
  client.send(message(1_024));
  await it.settle();
  assert.equal(client.messages[0]?.out, 'echo_r');
  client.send(message(1_025));
  await it.settle();
  assert.equal(errorCode(client.messages[1]), 'RESOURCE_EXHAUSTED');
});

test('with as many calls at work as allowed reading pauses, goes on, and loses nothing', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler, limits: { calls: 10 } });
  const client = it.knock();
  const inputs = Array.from({ length: 100 }, (_, i) => i);
  client.send(...inputs.map((i) => ask(i)));
  await it.settle();
  assert.equal(desk.calls.length, 10);
  client.send(ask(100));
  await it.clock.run(60_000);
  assert.equal(desk.calls.length, 10, 'and waiting is no fault');
  for (let i = 0; i <= 100; i++) {
    assert.ok(desk.calls.length <= i + 10, `${desk.calls.length} calls at work with ${i} answered`);
    desk.answer(i);
    await it.settle();
  }
  assert.deepEqual(results(client), [...inputs, 100]);
  assert.deepEqual(it.lines, []);
});

test('calls sent before the peer shut its side are answered, the ones that waited unread too', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler, limits: { calls: 4 } });
  const client = it.knock();
  client.send(...Array.from({ length: 20 }, (_, i) => ask(i)));
  client.stream.end();
  await it.settle();
  assert.equal(desk.calls.length, 4);
  for (let i = 0; i < 20; i++) {
    assert.equal(client.ended, false, `${i}`);
    desk.answer(i);
    await it.settle();
  }
  assert.deepEqual(
    results(client),
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.equal(client.ended, true);
  assert.equal(it.listener.connections, 0);
});

test('a limit of one call at a time works as well', async (t) => {
  const it = await world(t, { handler: async ({ input }) => ({ output: input }), limits: { calls: 1 } });
  const client = it.knock();
  client.send(...Array.from({ length: 50 }, (_, i) => ask(i)));
  await it.settle();
  assert.deepEqual(
    results(client),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

test('refuse: what is at work is answered, nothing more is started, then the end', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = it.knock();
  const idle = it.knock();
  client.send(ask(0), ask(1));
  idle.send(ask('x'));
  await it.settle();
  desk.answer(2);
  await it.settle();
  it.listener.drain();
  client.send(ask(2));
  await it.settle();
  assert.equal(desk.calls.length, 4, 'draining has no word here: it serves');
  void it.listener.refuse();
  await it.settle();
  assert.equal(idle.ended, true);
  client.send(ask(3));
  await it.settle();
  for (const index of [3, 1, 0]) {
    assert.equal(client.ended, false);
    desk.answer(index);
    await it.settle();
  }
  assert.equal(desk.calls.length, 4);
  assert.deepEqual(results(client), [0, 1, 2]);
  assert.equal(client.ended, true);
  // A peer that goes on talking does not hold the server up.
  client.send(ask(4));
  const finished = it.listener.finish(60_000).then(() => it.clock.now());
  await it.clock.run(1_500);
  assert.ok((await finished) <= 1_001);
});

test('refuse while reading pauses: the calls at work are answered, and the peer’s end is seen', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler, limits: { calls: 2 } });
  const client = it.knock();
  client.send(...Array.from({ length: 6 }, (_, i) => ask(i)));
  await it.settle();
  void it.listener.refuse();
  desk.answer(0);
  desk.answer(1);
  await it.settle();
  assert.deepEqual([results(client), desk.calls.length, client.ended], [[0, 1], 2, true]);
  client.stream.end();
  await it.settle();
  assert.equal(it.listener.connections, 0);
});

test('what comes after the last call that is served takes no memory', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = it.knock();
  client.send(ask('long'));
  await it.settle();
  void it.listener.refuse();
  const before = heldMemory();
  for (let i = 0; i < 30; i++) {
    client.send(ask('x'.repeat(1_000_000)));
    await it.settle();
  }
  const grown = heldMemory() - before;
  assert.ok(grown < 5_000_000, `${grown} bytes`);
  desk.answer(0);
  await it.settle();
  assert.deepEqual(results(client), ['long']);
});

test('an idle connection stays open, before its first word and between two messages', async (t) => {
  const it = await world(t);
  const mute = it.knock();
  const idle = it.knock();
  idle.send(ask(1));
  await it.clock.run(3_600_000);
  idle.send(ask(2));
  mute.send(ask(3));
  await it.settle();
  assert.deepEqual([results(idle), results(mute)], [[1, 2], [3]]);
  assert.deepEqual(it.lines, []);
});

test('half a message has its time, and no more', async (t) => {
  const it = await world(t, { limits: { headerTimeout: 500, bodyTimeout: 700 } });
  for (const [size, limit] of [
    [1, 500],
    [3, 500],
    [4, 700],
    [10, 700],
  ] as const) {
    const client = it.knock();
    client.send(ask('first'), ask('second').subarray(0, size));
    await it.clock.run(limit);
    assert.equal(client.messages.length, 1);
    await it.clock.run(limit / 5 + 1);
    assert.equal(errorCode(client.messages[1]), 'DEADLINE_EXCEEDED', `${size} bytes`);
    assert.equal(client.ended, true);
    client.stream.destroy();
  }
});

test('a peer that is late is told so after the answers that are due to it', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = it.knock();
  client.send(ask('slow'), ask('never').subarray(0, 10));
  await it.clock.run(30_000);
  assert.deepEqual([client.messages.length, it.lines.length], [0, 1]);
  desk.answer(0);
  await it.settle();
  assert.equal(client.messages[0]?.result, 'slow');
  assert.equal(errorCode(client.messages[1]), 'DEADLINE_EXCEEDED');
  assert.equal(client.messages.length, 2, 'it is said once');
  assert.equal(client.ended, true);
});

test('a peer that is gone cancels its calls', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = it.knock();
  client.send(ask(0), ask(1));
  await it.settle();
  client.stream.destroy();
  await it.settle();
  assert.deepEqual(
    desk.calls.map(({ signal }) => signal.aborted),
    [true, true],
  );
  desk.answer(0);
  desk.fail(1, new Error('late'));
  await it.settle();
  assert.equal(it.listener.connections, 0);
});

test('from a peer that does not read, no more is read; what it asked is answered when it reads on', async (t) => {
  let started = 0;
  const large = 'x'.repeat(100_000);
  const it = await world(t, {
    handler: ({ input }) => {
      started++;
      return { output: `${input}${large}` };
    },
  });
  const client = it.knock(false);
  client.send(...Array.from({ length: 200 }, (_, i) => ask(i)));
  await it.settle();
  assert.ok(started < 20, `${started} calls were started for a peer that reads nothing`);
  client.read();
  await it.settle();
  assert.deepEqual(
    results(client),
    Array.from({ length: 200 }, (_, i) => `${i}${large}`),
  );
});

test('a peer that does not read is cut off after the write timeout', async (t) => {
  const it = await world(t, { limits: { writeTimeout: 1_000 }, handler: () => ({ output: 'x'.repeat(500_000) }) });
  const client = it.knock(false);
  client.send(ask(0), ask(1).subarray(0, 3));
  await it.clock.run(1_000);
  assert.equal(it.listener.connections, 1);
  await it.clock.run(500);
  assert.equal(it.listener.connections, 0);
  assert.deepEqual(it.lines, ['debug closed a connection: the peer has read nothing for 1000 ms']);
});
