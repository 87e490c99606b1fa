import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classic, frame, hello, type } from '../../test/support/raw-peer.ts';
import { connected, outgoing, rawServer, type Watched, watched, world } from '../../test/support/transport.ts';
import type { Reply } from '../core/call.ts';
import { endpoint } from '../core/endpoint.ts';
import { RpcError } from '../core/error.ts';
import { seeded } from '../core/random.ts';
import { limits } from '../wire/limits.ts';
import { type DialOptions, dial } from './dial.ts';
import { heartbeatDefaults } from './heartbeat.ts';

type Raw = Awaited<ReturnType<typeof rawServer>>;

/** Dials a server by hand, and keeps what comes of it. */
function dialling(
  { network, clock }: Raw,
  changes: Partial<DialOptions> & { id?: string; protocol?: 'framed' | 'classic' } = {},
) {
  const { id, protocol = 'framed', ...given } = changes;
  const closes: RpcError[] = [];
  const options = {
    network,
    clock,
    limits: limits(),
    random: seeded(1),
    heartbeat: heartbeatDefaults,
    helloTimeout: 1_000,
    service: 'test',
  };
  const promise = dial(
    endpoint({ host: 'server', port: 1, protocol, ...(id === undefined ? {} : { id }) }),
    { ...options, ...given },
    { onDrain() {}, onClose: (cause) => void closes.push(cause) },
  );
  return { seen: watched(promise), closes };
}

function isRefusal(error: RpcError | undefined, reason: string, sentence: RegExp): void {
  assert.ok(RpcError.is(error), 'it must have failed');
  assert.deepEqual(
    [error.code, error.reason, error.stage, error.mayHaveExecuted],
    ['UNAVAILABLE', reason, 'unsent', false],
  );
  assert.match(error.message, sentence);
}

test('a connection is there when the server has said HELLO, not before', async () => {
  const raw = await rawServer();
  const { seen } = dialling(raw);
  await raw.clock.run(900);
  assert.equal(seen.state, 'pending');
  raw.peers[0]!.send(hello());
  await raw.clock.run(0);
  assert.equal(seen.value?.hello?.service, 'test');
  assert.equal(seen.value?.state, 'open');
});

test('a server that accepts and says nothing is none, after the HELLO timeout', async () => {
  for (const protocol of ['framed', 'classic'] as const) {
    const raw = await rawServer();
    const { seen, closes } = dialling(raw, { protocol });
    await raw.clock.run(999);
    assert.equal(seen.error, undefined);
    await raw.clock.run(1);
    isRefusal(seen.error, 'CONNECT_FAILED', /^cannot connect to server:1: no answer within 1000 ms$/);
    assert.equal(raw.peers[0]!.closed, true);
    assert.equal(closes.length, 0, 'what never was does not close');
    assert.equal(raw.clock.pending, 0, 'no timer is left');
  }
});

test('half a HELLO is none', async () => {
  const raw = await rawServer();
  const { seen } = dialling(raw);
  await raw.clock.run(0);
  raw.peers[0]!.send(hello().subarray(0, 40));
  await raw.clock.run(1_000);
  isRefusal(seen.error, 'CONNECT_FAILED', /no answer within/);
});

test('a connection that is refused or ends at once fails at once, in the system’s words', async () => {
  const raw = await rawServer();
  raw.network.connect = (
    (connect) => () =>
      connect('nobody', 9)
  )(raw.network.connect.bind(raw.network));
  const refused = dialling(raw);
  await raw.clock.run(0);
  isRefusal(refused.seen.error, 'CONNECT_FAILED', /^cannot connect to server:1: connect ECONNREFUSED nobody:9$/);
  assert.equal(raw.clock.pending, 0, 'no timer is left');

  const ending = await rawServer();
  const ended = dialling(ending);
  await ending.clock.run(0);
  ending.peers[0]!.stream.end();
  await ending.clock.run(0);
  isRefusal(ended.seen.error, 'CONNECT_FAILED', /the server closed it/);
});

test('an address that is none is a failure like any other', async () => {
  const raw = await rawServer();
  raw.network.connect = () => {
    throw new RangeError('port should be < 65536');
  };
  const { seen } = dialling(raw);
  await raw.clock.run(0);
  isRefusal(seen.error, 'CONNECT_FAILED', /^cannot connect to server:1: port should be < 65536$/);
});

test('another service, or another instance than the registry named, is stale', async () => {
  for (const [said, dialled, sentence] of [
    [{ service: 'other' }, {}, /server:1 is another server: service "other" answers, expected "test"/],
    [{}, { id: 'ffffffffffffffff' }, /instance 0123456789abcdef answers, expected ffffffffffffffff/],
  ] as const) {
    const raw = await rawServer();
    const { seen, closes } = dialling(raw, dialled);
    await raw.clock.run(0);
    raw.peers[0]!.send(hello(said), frame(type.drain, 2 ** 32 - 1));
    await raw.clock.run(0);
    isRefusal(seen.error, 'STALE', sentence);
    await raw.clock.run(60_000);
    assert.equal(raw.peers[0]!.closed, true);
    assert.deepEqual([closes.length, raw.clock.pending], [0, 0]);
  }
});

test('the named instance is welcome; where none is named or any service will do, all are', async () => {
  for (const [said, dialled] of [
    [{}, { id: '0123456789abcdef' }],
    [{ instance: 'f'.repeat(16) }, {}],
    [{ service: 'other' }, { service: undefined }],
  ] as const) {
    const raw = await rawServer();
    const { seen } = dialling(raw, dialled);
    await raw.clock.run(0);
    raw.peers[0]!.send(hello(said));
    await raw.clock.run(0);
    assert.equal(seen.value?.state, 'open');
  }
});

test('what is lost later is told by onClose, once', async () => {
  const raw = await rawServer();
  const { seen, closes } = dialling(raw);
  await raw.clock.run(0);
  raw.peers[0]!.send(hello());
  await raw.clock.run(0);
  raw.peers[0]!.stream.destroy();
  await raw.clock.run(10_000);
  assert.equal(seen.value?.state, 'closed');
  assert.deepEqual(
    closes.map(({ reason }) => reason),
    ['CONNECTION_LOST'],
  );
});

test('a classic server is known by its answer to ping', async () => {
  const raw = await rawServer();
  const { seen } = dialling(raw, { protocol: 'classic' });
  await raw.clock.run(500);
  assert.equal(seen.state, 'pending');
  assert.deepEqual(raw.peers[0]!.messages, [{ in: 'ping', params: null }]);
  raw.peers[0]!.send(classic({ out: 'pong', result: null }));
  await raw.clock.run(0);
  assert.equal(seen.value?.state, 'open');
});

test('a framed client at a classic server, and the other way round, is no connection', async () => {
  const raw = await rawServer();
  const framed = dialling(raw);
  await raw.clock.run(0);
  raw.peers[0]!.send(classic({ out: 'error', result: { code: 'RESOURCE_EXHAUSTED', message: 'too long' } }));
  await raw.clock.run(0);
  isRefusal(framed.seen.error, 'CONNECT_FAILED', /before HELLO/);

  const other = await rawServer();
  const plain = dialling(other, { protocol: 'classic' });
  await other.clock.run(0);
  other.peers[0]!.send(hello());
  await other.clock.run(0);
  isRefusal(plain.seen.error, 'CONNECT_FAILED', /does not begin as a JSON object/);
});

test('ours and ours: many calls at once over either protocol', async (t) => {
  const it = await world(t, {
    handler: async ({ input }) => {
      for (let ticks = (input as number) % 7; ticks > 0; ticks--) await null;
      return { output: (input as number) * 2 };
    },
  });
  for (const protocol of ['framed', 'classic'] as const) {
    const { connection } = await connected(it.network, it.clock, { protocol });
    const inputs = Array.from({ length: 1_000 }, (_, i) => i);
    const replies = await Promise.all(inputs.map((input) => connection.send(outgoing(input))));
    assert.deepEqual(
      replies.map(({ output }) => output),
      inputs.map((i) => i * 2),
    );
    const closed = watched(connection.close(1_000).then(() => 'closed'));
    await it.settle();
    assert.equal(closed.value, 'closed');
  }
});

test('large calls and answers in both directions at once do not wait for each other', async (t) => {
  const it = await world(t);
  for (const protocol of ['framed', 'classic'] as const) {
    const { connection } = await connected(it.network, it.clock, { protocol });
    const large = 'x'.repeat(300_000);
    const replies = Array.from({ length: 100 }, (_, i) => watched(connection.send(outgoing(`${i}${large}`))));
    await it.clock.run(5_000);
    for (const [i, { value }] of replies.entries())
      assert.equal(value?.output === `${i}${large}`, true, `${protocol} ${i}`);
  }
});

test('a rolling end: whatever is sent while the server goes away is answered, or was not started', async (t) => {
  let started = 0;
  const it = await world(t, {
    handler: async ({ input }) => {
      started++;
      await it.clock.sleep(50);
      return { output: input };
    },
  });
  const { connection } = await connected(it.network, it.clock);
  const sent: Watched<Reply>[] = [];
  for (let i = 0; i < 20; i++) {
    sent.push(watched(connection.send(outgoing(i))));
    if (i === 10) void it.listener.refuse();
    if (i < 10) await it.clock.run(10);
  }
  await it.clock.run(1_000);
  let answered = 0;
  for (const { value, error } of sent) {
    if (value !== undefined) answered++;
    else assert.ok(error?.stage === 'refused' || error?.stage === 'unsent', String(error));
  }
  assert.equal(answered, started);
  assert.ok(answered >= 10 && answered < 20, `${answered}`);
});
