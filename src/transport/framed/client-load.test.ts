import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { drain, scene } from '../../../test/support/framed-client.ts';
import { classic, frame, hello, type RawPeer, reply, type } from '../../../test/support/raw-peer.ts';
import {
  connected,
  type OurClient,
  outgoing,
  rawServer,
  type StoppableClock,
  watched,
} from '../../../test/support/transport.ts';
import { heartbeatDefaults } from '../heartbeat.ts';

const asking = { heartbeat: heartbeatDefaults };
const pong = (body: string) => frame(type.pong, 0, body);
const unsaid = { cpu: undefined, cores: undefined, eventLoopDelay: undefined, memory: undefined };

interface Busy {
  connection: OurClient['connection'];
  server: RawPeer;
  clock: StoppableClock;
}

/** Keeps a connection busy: a call is answered every 100 ms. What the server does at a PING, `onPing` says. */
async function chat({ connection, server, clock }: Busy, ms: number, onPing = () => {}): Promise<number> {
  let pings = 0;
  for (let passed = 0; passed < ms; passed += 100) {
    void connection.send(outgoing(1)).catch(() => {});
    await clock.run(100);
    for (const { type: kind, id } of server.frames) {
      if (kind === type.call) server.send(reply(id));
      if (kind === type.ping) {
        pings++;
        onPing();
      }
    }
    server.skip(server.bytes.length);
    await clock.run(0);
  }
  return pings;
}

test('PONG tells the load; what a later server adds is left out', async () => {
  const { connection, server, clock } = await scene();
  await clock.run(300);
  server.send(
    pong('{"inFlight":3,"queued":2,"cpu":1.25,"cores":2,"eventLoopDelay":17,"memory":0.5,"later":{"a":[true]}}'),
  );
  await clock.run(0);
  assert.deepEqual(connection.load, {
    at: 300,
    inFlight: 3,
    queued: 2,
    cpu: 1.25,
    cores: 2,
    eventLoopDelay: 17,
    memory: 0.5,
  });
});

test('an old server tells two figures, as it was recorded', async () => {
  const { connection, server, clock } = await scene();
  const recorded = readFileSync(new URL('../../../test/fixtures/wire-v1.json', import.meta.url), 'utf8');
  server.send(Buffer.from(JSON.parse(recorded).PONG, 'hex'));
  await clock.run(0);
  assert.deepEqual(connection.load, { at: 0, inFlight: 3, queued: 0, ...unsaid });
});

test('a figure that cannot be is not said; a PONG that cannot be read says nothing; both are signs of life', async () => {
  const { connection, server, clock } = await scene();
  const nonsense = '"cpu":-1,"cores":0,"eventLoopDelay":"long","memory":1e999';
  server.send(pong(`{"inFlight":-5,"queued":"many",${nonsense}}`));
  await clock.run(0);
  assert.deepEqual(connection.load, { at: 0, inFlight: 0, queued: 0, ...unsaid });
  server.send(pong('null'));
  await clock.run(0);
  assert.deepEqual(connection.load, { at: 0, inFlight: 0, queued: 0, ...unsaid });
  for (const text of ['not JSON', '']) {
    server.send(pong(text));
    await clock.run(0);
    assert.equal(connection.load, undefined);
  }
  assert.equal(connection.state, 'open');
});

test('a busy connection learns the load about every second', async () => {
  const it = await scene(asking);
  let said = 0;
  const pings = await chat(it, 30_000, () => it.server.send(pong(`{"inFlight":${++said},"queued":0}`)));
  assert.ok(pings >= 20 && pings <= 30, `${pings} questions in 30 s`);
  assert.equal(it.connection.load?.inFlight, said);
  assert.ok(it.clock.now() - it.connection.load!.at <= 1_500);
});

test('with loadEvery 0 a busy connection asks nothing', async () => {
  const it = await scene();
  assert.equal(await chat(it, 10_000), 0);
});

test('a server that does not answer the question is not asked again, and lives while it talks', async () => {
  const it = await scene(asking);
  assert.equal(await chat(it, 30_000), 1);
  assert.equal(it.connection.state, 'open');
  assert.equal(it.connection.heartbeatOverdue, false);
  it.server.send(pong('{}'));
  assert.ok((await chat(it, 1_000)) === 1, 'it is asked again once it has answered');
});

test('one that owes its load and falls silent is dead three seconds after its last word, as any other', async () => {
  const it = await scene(asking);
  await chat(it, 2_000);
  const heard = it.clock.now();
  const answer = watched(it.connection.send(outgoing(1)));
  await it.clock.run(2_900);
  assert.equal(it.connection.state, 'open');
  await it.clock.run(600);
  assert.equal(it.connection.state, 'closed');
  assert.equal(answer.error?.reason, 'CONNECTION_LOST');
  assert.ok(it.clock.now() - heard <= 3_500);
});

test('nothing is asked of a server that wants no calls', async () => {
  const { server, clock } = await scene(asking);
  server.send(drain(2 ** 32 - 1));
  await clock.run(999);
  assert.deepEqual(server.framesOf(type.ping), []);
});

test('nothing is asked before HELLO', async () => {
  const { network, clock, peers } = await rawServer();
  const heartbeat = { ...heartbeatDefaults, loadEvery: 100 };
  const dialling = watched(connected(network, clock, { heartbeat }));
  await clock.run(900);
  assert.equal(dialling.state, 'pending');
  assert.equal(peers[0]!.bytes.length, 5, 'the preface, and no more');
  peers[0]!.send(hello());
  await clock.run(200);
  assert.equal(dialling.state, 'fulfilled');
  assert.equal(peers[0]!.bytes.length, 5 + 9);
});

test('a classic server is not asked for what it cannot say', async () => {
  const { network, clock, peers } = await rawServer();
  const heartbeat = { ...heartbeatDefaults, loadEvery: 100 };
  const dialling = connected(network, clock, { protocol: 'classic', heartbeat });
  const pong = classic({ out: 'pong', result: null });
  const sent = () => peers[0]!.bytes.length / classic({ in: 'ping', params: null }).length;
  await clock.run(0);
  peers[0]!.send(pong);
  const { connection } = await dialling;
  for (let ms = 0; ms < 10_000; ms += 10) {
    const before = sent();
    await clock.run(10);
    if (sent() > before) peers[0]!.send(pong);
  }
  assert.deepEqual([connection.load, connection.state], [undefined, 'open']);
  assert.ok(sent() >= 8 && sent() <= 11, `${sent()} pings in 10 s`);
});
