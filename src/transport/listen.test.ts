import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  call,
  classic,
  frame,
  jsonOf,
  outputOf,
  preface,
  RawPeer,
  type,
  usualHello,
} from '../../test/support/raw-peer.ts';
import { Desk, watched, world } from '../../test/support/transport.ts';

test('one port serves both protocols, told by the first bytes, however slowly they come', async (t) => {
  const it = await world(t);
  const framed = it.knock();
  const plain = it.knock();
  const one = Buffer.concat([preface, call({ id: 1, input: '"framed"' })]);
  const other = classic({ in: 'echo', params: 'classic' });
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    framed.send(one.subarray(i, i + 1));
    plain.send(other.subarray(i, i + 1));
    await it.clock.run(100);
  }
  assert.deepEqual(framed.framesOf(type.reply).map(outputOf), ['framed']);
  assert.deepEqual(plain.messages, [{ out: 'echo_r', result: 'classic' }]);
  assert.equal(it.listener.connections, 2);
});

test('a later version is told which one is spoken here', async (t) => {
  const it = await world(t);
  const client = it.knock();
  client.send(Buffer.from('EVKL\x02'), Buffer.from('whatever a later version says next'));
  await it.settle();
  const [error, ...more] = client.frames;
  assert.deepEqual([error?.type, error?.id, more.length, client.ended], [type.error, 0, 0, true]);
  assert.deepEqual(jsonOf(error), {
    code: 'UNIMPLEMENTED',
    message: 'version 2 of the protocol is not known here: expected 1',
  });
  assert.deepEqual(it.lines.length, 1);
  await it.clock.run(1_000);
  assert.equal(it.listener.connections, 0);
});

test('a first word has to be finished in time; who says nothing has all the time', async (t) => {
  const it = await world(t, { limits: { headerTimeout: 500 } });
  const mute = it.knock();
  await it.settle();
  for (const word of ['E', 'EVK', 'EVKL', '\x05\x00\x00']) {
    const client = it.knock();
    client.send(Buffer.from(word, 'latin1'));
    await it.clock.run(500);
    assert.equal(client.closed, false, word);
    await it.clock.run(101);
    assert.equal(client.closed, true, word);
  }
  assert.equal(it.lines.length, 4);
  assert.equal(mute.closed, false);
});

test('a port scan, a TLS hello and an HTTP request are one debug line each, and hurt nobody', async (t) => {
  const it = await world(t);
  const good = it.knock();
  const tls = Buffer.from(`16030100f8010000f40303${'5a'.repeat(240)}`, 'hex');
  for (const bytes of [tls, Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), Buffer.from('PRI * HTTP/2.0\r\n\r\n')]) {
    for (const slices of [1, bytes.length]) {
      it.lines.length = 0;
      const client = it.knock();
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / slices)) {
        client.send(bytes.subarray(at, at + Math.ceil(bytes.length / slices)));
        await it.settle();
      }
      assert.equal(client.ended, true);
      assert.equal(it.lines.length, 1, `${it.lines}`);
      assert.match(it.lines[0]!, /^debug /);
    }
  }
  it.lines.length = 0;
  const scan = it.knock();
  await it.settle();
  scan.stream.end();
  await it.settle();
  assert.deepEqual(it.lines, [
    'debug closed a connection: the peer ended it before it had said which protocol it speaks',
  ]);
  assert.equal(scan.closed, true);

  good.send(classic({ in: 'echo', params: 1 }));
  await it.settle();
  assert.equal(good.messages[0]?.result, 1);
});

test('a TLS hello within a large limit is told by its fifth byte', async (t) => {
  const it = await world(t, { limits: { message: 256 * 1_048_576 } });
  const client = it.knock();
  client.send(Buffer.from(`16030100f8010000f40303${'5a'.repeat(240)}`, 'hex'));
  await it.settle();
  assert.equal(client.ended, true);
  assert.match(it.lines[0] ?? '', /does not begin as a JSON object/);
});

test('calls and connections are counted', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const framed = it.knock();
  framed.send(preface, call({ id: 1 }), call({ id: 2 }));
  const plain = it.knock();
  plain.send(classic({ in: 'echo' }));
  const mute = it.knock();
  await it.settle();
  assert.deepEqual([it.listener.connections, it.listener.inFlight, it.listener.port], [3, 3, 1]);
  mute.stream.destroy();
  framed.stream.destroy();
  await it.settle();
  assert.deepEqual([it.listener.connections, it.listener.inFlight], [1, 1]);
});

test('refuse takes no new connections, and leaves nobody who has not said a word', async (t) => {
  const it = await world(t);
  const mute = it.knock();
  const half = it.knock();
  half.send(Buffer.from('EV'));
  await it.settle();
  await Promise.all([it.listener.refuse(), it.clock.run(0)]);
  await it.settle();
  assert.deepEqual([mute.closed, half.closed], [true, true]);
  const late = it.knock();
  await it.settle();
  assert.equal(late.closed, true);
});

test('a connection that was accepted just then is left at once', async (t) => {
  const it = await world(t);
  const listen = it.network.listen.bind(it.network);
  // A port whose queue still holds one when it stops.
  it.network.listen = async (at, onStream) => {
    const acceptor = await listen(at, onStream);
    return { ...acceptor, stop: async () => {} };
  };
  const other = await world(t, { network: it.network, at: { host: 'other', port: 2 } });
  void other.listener.refuse();
  const late = new RawPeer(it.network.connect('other', 2));
  await other.settle();
  assert.equal(late.closed, true);
});

test('a first word cut by a stop of this process is not late', async (t) => {
  const it = await world(t, { limits: { headerTimeout: 500 } });
  const client = it.knock();
  client.send(Buffer.from('EV'));
  await it.clock.run(200);
  it.clock.stop(60_000);
  it.clock.advance(200);
  client.send(Buffer.from('KL\x01'));
  await it.settle();
  assert.equal(client.frames[0]?.type, type.hello);
  await it.clock.run(2_000);
  assert.deepEqual(it.lines, []);
});

test('finish waits for the last connection, and not longer than it may', async (t) => {
  for (const patient of [true, false]) {
    const desk = new Desk();
    const it = await world(t, { handler: desk.handler });
    const client = it.knock();
    client.send(preface, call({ id: 1, input: '"last"' }));
    await it.settle();
    it.listener.drain();
    void it.listener.refuse();
    const finished = watched(it.listener.finish(5_000).then(() => it.clock.now()));
    await it.clock.run(4_000);
    assert.equal(finished.state, 'pending');
    if (patient) desk.answer(0);
    await it.settle();
    if (patient) client.stream.end();
    await it.settle();
    assert.equal(finished.state, patient ? 'fulfilled' : 'pending');
    if (patient) assert.equal(it.clock.pending, 0, 'no timer is left');
    await it.clock.run(1_000);
    assert.equal(finished.value, patient ? 4_000 : 5_000);
    assert.equal(client.closed, true);
    assert.equal(client.framesOf(type.reply).length, patient ? 1 : 0);
    assert.equal(it.clock.pending, 0, 'no timer is left');
  }
});

test('destroy ends everything at once', async (t) => {
  const desk = new Desk();
  const it = await world(t, { handler: desk.handler });
  const framed = it.knock();
  framed.send(preface, call({ id: 1 }));
  const mute = it.knock();
  await it.settle();
  it.listener.destroy();
  await it.settle();
  assert.deepEqual([framed.closed, mute.closed, it.listener.connections, it.clock.pending], [true, true, 0, 0]);
  assert.equal(desk.calls[0]!.signal.aborted, true);
});

test('the state in HELLO is the one of that moment', async (t) => {
  let state: 'serving' | 'draining' = 'serving';
  const it = await world(t, { hello: () => ({ ...usualHello, version: 1, state }) as never });
  const first = it.knock();
  first.send(preface);
  await it.settle();
  state = 'draining';
  const second = it.knock();
  second.send(preface, frame(type.ping, 0));
  await it.settle();
  assert.deepEqual(
    [first, second].map((peer) => jsonOf(peer.frames[0]).state),
    ['serving', 'draining'],
  );
});
