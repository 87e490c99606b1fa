import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, frame, jsonOf, outputOf, preface, type RawPeer, reply, type } from '../../../test/support/raw-peer.ts';
import { Desk, type World, world } from '../../../test/support/transport.ts';
import { Encoded } from '../../core/call.ts';
import { RpcError } from '../../core/error.ts';
import type { IncomingCall } from '../incoming.ts';

/** A client by hand that has said the preface and heard HELLO. */
async function greeted({ knock, settle }: World, reads = true): Promise<RawPeer> {
  const client = knock(reads);
  client.send(preface);
  await settle();
  if (reads) {
    const [first] = client.frames;
    assert.equal(first?.type, type.hello);
    client.skip(4 + 5 + first.body.length);
  }
  return client;
}

const labels = (frames: { body: Buffer }[]) => frames.map((it) => [jsonOf(it).code, jsonOf(it).reason]);

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

test('a bad call is its own fault alone', async (t) => {
  const it = await world(t, { limits: { message: 1_024, metadata: 64 } });
  const client = await greeted(it);
  client.send(
    call({ id: 1, input: `"${'x'.repeat(1_022)}"` }),
    call({ id: 2, input: `"${'x'.repeat(1_023)}"` }),
    call({ id: 3, metadata: `{"k":"${'x'.repeat(64 - 8)}"}` }),
    call({ id: 4, metadata: `{"k":"${'x'.repeat(65 - 8)}"}` }),
    call({ id: 5, input: '{"a":NaN}' }),
    call({ id: 6, input: `${'['.repeat(64)}${']'.repeat(64)}` }),
    call({ id: 7, input: `${'['.repeat(65)}${']'.repeat(65)}` }),
    call({ id: 8, input: '{"__proto__":{"a":1}}' }),
    call({ id: 9, codec: 1 }),
    call({ id: 10, flags: 0x02 }),
    call({ id: 11, metadata: '{"k":5}' }),
    call({ id: 12, name: 'noslash' }),
    frame(type.call, 13, 'short'),
    call({ id: 14, input: '"well"' }),
  );
  await it.settle();
  const kinds = client.frames.map(({ id, type: kind }) => [id, kind === type.reply ? 'ok' : 'error']);
  assert.deepEqual(kinds, [
    [1, 'ok'],
    [2, 'error'],
    [3, 'ok'],
    [4, 'error'],
    [5, 'error'],
    [6, 'ok'],
    [7, 'error'],
    [8, 'error'],
    [9, 'error'],
    [10, 'error'],
    [11, 'error'],
    [12, 'error'],
    [13, 'error'],
    [14, 'ok'],
  ]);
  const codes = new Map(client.framesOf(type.error).map((it) => [it.id, labels([it])[0]!.filter(Boolean).join('/')]));
  assert.deepEqual(Object.fromEntries(codes), {
    2: 'RESOURCE_EXHAUSTED/TOO_LARGE',
    4: 'RESOURCE_EXHAUSTED/TOO_LARGE',
    5: 'INVALID_ARGUMENT',
    7: 'INVALID_ARGUMENT',
    8: 'INVALID_ARGUMENT',
    9: 'UNIMPLEMENTED',
    10: 'UNIMPLEMENTED',
    11: 'INVALID_ARGUMENT',
    12: 'INTERNAL/PROTOCOL',
    13: 'INTERNAL/PROTOCOL',
  });
});

test('what the protocol does not allow: one coded error, one debug line, the end; others are not touched', async (t) => {
  for (const [what, bytes, sentence] of [
    ['the same id twice', Buffer.concat([call({ id: 5 }), call({ id: 5 })]), /call 5 after call 5: ids rise/],
    ['a falling id', Buffer.concat([call({ id: 5 }), call({ id: 4 })]), /call 4 after call 5/],
    ['id 0', call({ id: 0 }), /call 0 after call 1/],
    ['an id of the upper half', call({ id: 2 ** 31 }), /call 2147483648 after call 1: ids rise, up to 2147483647/],
    ['an unknown type below 0x80', frame(0x7f, 1), /frame type 127/],
    ['type 0', frame(0, 1), /frame type 0 /],
    ['what only servers say', reply(1), /frame type 3 /],
    ['a type for later versions', frame(0x0a, 1), /frame type 10 /],
    ['length 0', Buffer.from('00000000', 'hex'), /0 bytes long: at least 5/],
    ['length 4', Buffer.from('04000000', 'hex'), /4 bytes long: at least 5/],
    ['length 2^31', Buffer.from('00000080', 'hex'), /2147483648 bytes long: at most/],
    ['length 2^32-1', Buffer.from('ffffffff', 'hex'), /4294967295 bytes long: at most/],
  ] as const) {
    const desk = new Desk();
    const it = await world(t, { handler: desk.handler });
    const other = await greeted(it);
    other.send(call({ id: 1, input: '"other"' }));
    const client = await greeted(it);
    client.send(call({ id: 1 }));
    await it.settle();
    client.send(bytes);
    // What comes behind a broken rule is not looked at, nor complained of.
    client.send(call({ id: 100 }), frame(0x7f, 1));
    await it.settle();
    client.send(call({ id: 101 }));
    await it.settle();
    const started = desk.calls.length;
    const [last] = client.frames.slice(-1);
    assert.deepEqual([last?.type, last?.id], [type.error, 0], what);
    assert.match(jsonOf(last).message as string, sentence, what);
    assert.equal(client.framesOf(type.error).length, 1, what);
    assert.equal(client.ended, true, what);
    assert.equal(it.lines.length, 1, `${what}: ${it.lines}`);
    assert.match(it.lines[0]!, /^debug closed a connection: /);
    assert.equal(desk.calls[1]!.signal.aborted, true, 'nobody can be told its answer');
    client.stream.end();
    await it.settle();
    assert.equal(client.closed, true);
    assert.equal(it.listener.connections, 1);
    assert.equal(desk.calls.length, started, 'no call was started behind it');
    desk.answer(0);
    await it.settle();
    assert.deepEqual(other.frames.map(outputOf), ['other'], what);
  }
});

test('a peer that broke a rule and does not leave is cut off after a second', async (t) => {
  const it = await world(t);
  const client = await greeted(it);
  client.send(frame(0x7f, 1));
  await it.clock.run(999);
  assert.equal(it.listener.connections, 1);
  client.send(Buffer.from('it goes on talking'));
  await it.clock.run(1);
  assert.equal(it.listener.connections, 0);
});

test('types from 0x80 on are skipped', async (t) => {
  const it = await world(t);
  const client = await greeted(it);
  client.send(frame(0x80, 1, 'x'), frame(0xff, 0), call({ id: 1, input: '"ok"' }));
  await it.settle();
  assert.deepEqual(client.frames.map(outputOf), ['ok']);
  assert.deepEqual(it.lines, []);
});

test('PING is answered by the load', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = await greeted(it);
  client.send(call({ id: 1 }), call({ id: 2 }), frame(type.ping, 0));
  await it.settle();
  assert.deepEqual(client.framesOf(type.pong).map(jsonOf), [{ inFlight: 2, queued: 0 }]);
});

test('drain asks for new calls elsewhere and serves those that come; refuse starts none and ends after the last answer', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = await greeted(it);
  client.send(call({ id: 1 }));
  await it.settle();
  it.listener.drain();
  await it.settle();
  assert.deepEqual(
    client.frames.map(({ type, id }) => [type, id]),
    [[type.drain, 2 ** 32 - 1]],
  );
  client.send(call({ id: 2 }));
  await it.settle();
  assert.equal(desk.calls.length, 2);

  void it.listener.refuse();
  await it.settle();
  assert.deepEqual(client.frames.map(({ type, id }) => [type, id]).slice(1), [[type.drain, 2]]);
  client.send(call({ id: 3 }));
  await it.settle();
  void it.listener.refuse();
  await it.settle();
  assert.equal(desk.calls.length, 2);
  assert.deepEqual(labels(client.framesOf(type.refused)), [['UNAVAILABLE', 'DRAINING']]);
  assert.deepEqual(
    client.framesOf(type.drain).map(({ id }) => id),
    [2 ** 32 - 1, 2],
    'what it said stands',
  );
  assert.equal(client.ended, false);
  desk.answer(1);
  await it.settle();
  assert.equal(client.ended, false);
  desk.answer(0);
  await it.settle();
  assert.deepEqual(
    client.framesOf(type.reply).map(({ id }) => id),
    [2, 1],
  );
  assert.equal(client.ended, true);
});

test('a connection that comes while the server drains is told at once', async (t) => {
  const it = await world(t);
  it.listener.drain();
  const client = it.knock();
  client.send(preface);
  await it.settle();
  assert.deepEqual(
    client.frames.map(({ type }) => type),
    [type.hello, type.drain],
  );
});

test('a client that has sent all it wants and shut its side gets its answers, then the end', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = await greeted(it);
  client.send(call({ id: 1 }), call({ id: 2 }));
  client.stream.end();
  await it.settle();
  assert.equal(desk.calls.length, 2);
  assert.equal(desk.calls[0]!.cancelled, undefined);
  desk.answer(1);
  await it.settle();
  assert.equal(client.ended, false);
  desk.answer(0);
  await it.settle();
  assert.deepEqual(
    client.frames.map(({ id }) => id),
    [2, 1],
  );
  assert.equal(client.ended, true);
  assert.equal(it.listener.connections, 0);
});

test('a client that is gone cancels its calls, and what they answer goes nowhere', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const client = await greeted(it);
  client.send(call({ id: 1 }), call({ id: 2 }));
  await it.settle();
  client.stream.destroy();
  await it.settle();
  assert.equal(desk.calls[0]!.signal.aborted, true);
  assert.equal(it.listener.connections, 0);
  desk.answer(0);
  desk.fail(1, new Error('late'));
  await it.settle();
});

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
