import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, errorCode, results } from '../../../test/support/classic-peer.ts';
import { heldMemory } from '../../../test/support/memory.ts';
import { classic } from '../../../test/support/raw-peer.ts';
import { Desk, world } from '../../../test/support/transport.ts';

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
