import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greeted } from '../../../test/support/framed-server.ts';
import { call, frame, jsonOf, outputOf, type } from '../../../test/support/raw-peer.ts';
import { world } from '../../../test/support/transport.ts';

test('the head of a frame may take its time and no more; a body may stand still no longer', async (t) => {
  const it = await world(t, { limits: { headerTimeout: 500, bodyTimeout: 700 } });
  const frameBytes = call({ id: 1, input: '"slow"' });
  const cases = [
    { bytes: frameBytes.subarray(0, 1), limit: 500, sentence: /a message has not begun within 500 ms/ },
    { bytes: frameBytes.subarray(0, 3), limit: 500, sentence: /a message has not begun within 500 ms/ },
    { bytes: frameBytes.subarray(0, 4), limit: 700, sentence: /a message has stood still for 700 ms/ },
    { bytes: frameBytes.subarray(0, 20), limit: 700, sentence: /a message has stood still for 700 ms/ },
  ];
  for (const { bytes, limit, sentence } of cases) {
    const client = await greeted(it);
    client.send(bytes);
    await it.clock.run(limit);
    assert.equal(client.frames.length, 0, `${limit}`);
    // Looked at every so often: exact to a fifth of the limit.
    await it.clock.run(limit / 5 + 1);
    const [error] = client.frames;
    assert.deepEqual([error?.type, error?.id, jsonOf(error).code], [type.error, 0, 'DEADLINE_EXCEEDED']);
    assert.match(jsonOf(error).message as string, sentence);
    client.stream.destroy();
  }
});

test('the head of a frame has its time as a whole, not for each byte', async (t) => {
  const it = await world(t, { limits: { headerTimeout: 500 } });
  const client = await greeted(it);
  const bytes = call({ id: 1 });
  client.send(bytes.subarray(0, 1));
  await it.clock.run(400);
  client.send(bytes.subarray(1, 2));
  await it.clock.run(201);
  assert.match(jsonOf(client.frames[0]).message as string, /a message has not begun within 500 ms/);
});

test('a body that moves is not late, however long it takes; nor is a frame that is whole', async (t) => {
  const it = await world(t, { limits: { headerTimeout: 500, bodyTimeout: 700 } });
  const client = await greeted(it);
  const bytes = call({ id: 1, input: '"slow"' });
  client.send(bytes.subarray(0, 4));
  for (const byte of bytes.subarray(4)) {
    await it.clock.run(600);
    client.send(Buffer.from([byte]));
  }
  await it.clock.run(5_000);
  assert.deepEqual(client.frames.map(outputOf), ['slow']);
  assert.deepEqual(it.lines, []);
});

test('a busy peer whose frames are cut in their heads again and again is not late', async (t) => {
  const it = await world(t, { limits: { headerTimeout: 500 } });
  const client = await greeted(it);
  client.send(call({ id: 1 }).subarray(0, 2));
  for (let id = 1; id <= 100; id++) {
    await it.clock.run(100);
    client.send(call({ id }).subarray(2), call({ id: id + 1 }).subarray(0, 2));
  }
  await it.settle();
  assert.equal(client.framesOf(type.reply).length, 100);
  assert.deepEqual(it.lines, []);
});

test('a peer that says nothing for half a minute is gone; one that pings is not', async (t) => {
  const it = await world(t);
  const silent = await greeted(it);
  const alive = await greeted(it);
  for (let s = 1; s <= 32; s++) {
    await it.clock.run(1_000);
    alive.send(frame(type.ping, 0));
    if (s === 30) assert.equal(silent.ended, false);
  }
  assert.match(jsonOf(silent.frames[0]).message as string, /no sign of life for 30000 ms/);
  assert.equal(silent.ended, true);
  assert.equal(alive.ended, false);
});

test('after this process was stopped, nobody is late', async (t) => {
  const large = 'x'.repeat(500_000);
  const it = await world(t, { handler: ({ input }) => ({ output: input === 'large' ? large : input }) });
  const bytes = call({ id: 1, input: '"whole"' });
  const idle = await greeted(it);
  const head = await greeted(it);
  head.send(bytes.subarray(0, 2));
  const body = await greeted(it);
  body.send(bytes.subarray(0, 12));
  const slow = await greeted(it, false);
  slow.send(call({ id: 1, input: '"large"' }));
  await it.clock.run(2_000);
  // As after SIGCONT: the timers are due before anything is read. The peers may have been stopped as well.
  it.clock.stop(60_000);
  it.clock.advance(1_000);
  await it.clock.run(3_500);
  idle.send(frame(type.ping, 0));
  head.send(bytes.subarray(2));
  body.send(bytes.subarray(12));
  slow.read();
  await it.clock.run(3_500);
  assert.deepEqual(it.lines, []);
  assert.deepEqual(
    [head, body].map((client) => client.frames.map(outputOf)),
    [['whole'], ['whole']],
  );
  assert.equal(outputOf(slow.framesOf(type.reply)[0]), large);
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
  const client = await greeted(it, false);
  client.send(...Array.from({ length: 200 }, (_, i) => call({ id: i + 1, input: `${i + 1}` })));
  await it.settle();
  assert.ok(started < 20, `${started} calls were started for a peer that reads nothing`);
  client.read();
  await it.settle();
  assert.equal(started, 200);
  const replies = client.framesOf(type.reply);
  assert.equal(replies.length, 200);
  for (const answer of replies) assert.equal(outputOf(answer), `${answer.id}${large}`);
});

test('a call that waited unread has been at work on its time since it came in', async (t) => {
  const deadlines: number[] = [];
  const it = await world(t, {
    handler: ({ deadline }) => {
      deadlines.push(deadline);
      return { output: 'x'.repeat(2_000_000) };
    },
  });
  const client = await greeted(it, false);
  client.send(call({ id: 1, remaining: 5_000 }), call({ id: 2, remaining: 5_000 }));
  await it.clock.run(3_000);
  assert.deepEqual(deadlines, [5_000]);
  client.read();
  await it.settle();
  assert.deepEqual(deadlines, [5_000, 5_000]);
});

test('a peer that does not read is cut off after the write timeout, and not while it reads, however slowly', async (t) => {
  const large = 'x'.repeat(3_000_000);
  const limits = { writeTimeout: 1_000, bodyTimeout: 500 };
  const it = await world(t, { limits, handler: () => ({ output: large }) });
  const stuck = await greeted(it, false);
  const slow = await greeted(it, false);
  for (const client of [stuck, slow]) client.send(call({ id: 1 }), call({ id: 2 }).subarray(0, 12));
  let taken = 0;
  for (let ms = 0; ms < 10_000; ms += 500) {
    taken += (slow.stream.read() as Buffer | null)?.length ?? 0;
    await it.clock.run(500);
    assert.equal(stuck.closed, ms >= 1_000, `${ms}`);
  }
  assert.ok(taken > 1_000_000 && taken < large.length, `${taken}`);
  assert.deepEqual(it.lines, ['debug closed a connection: the peer has read nothing for 1000 ms']);
  assert.equal(it.listener.connections, 1);
  // Looks that come before its end is through find no other fault.
  it.clock.advance(20_000);
  assert.deepEqual(it.lines.length, 2, `${it.lines}`);
});
