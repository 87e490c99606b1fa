import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, errorCode, results } from '../../../test/support/classic-peer.ts';
import { Desk, world } from '../../../test/support/transport.ts';

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
