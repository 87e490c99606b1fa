import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greeted, labels } from '../../../test/support/framed-server.ts';
import { call, frame, jsonOf, outputOf, preface, reply, type } from '../../../test/support/raw-peer.ts';
import { Desk, world } from '../../../test/support/transport.ts';

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
