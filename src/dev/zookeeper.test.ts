/** What the embedded ZooKeeper does and Apache's does not. How they agree: test/zookeeper. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fourLetterWord } from '../../test/support/apache-zookeeper.ts';
import { connectPacket, RawClient } from '../../test/support/raw-zookeeper-client.ts';
import { until } from '../../test/support/until.ts';
import { silentLog } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { code } from './protocol.ts';
import { type EmbeddedZooKeeper, startZooKeeper, type ZooKeeperOptions } from './zookeeper.ts';

const ephemeral = 1;

async function start(t: TestContext, options?: ZooKeeperOptions): Promise<EmbeddedZooKeeper> {
  const zookeeper = await startZooKeeper(options);
  t.after(() => zookeeper.close());
  return zookeeper;
}

async function connect(t: TestContext, zookeeper: { port: number }, handshake = {}): Promise<RawClient> {
  const client = await RawClient.connect(zookeeper.port, handshake);
  t.after(() => client.destroy());
  return client;
}

test('it says what it is when it starts', async (t) => {
  const lines: string[] = [];
  const zookeeper = await start(t, { log: { ...silentLog, info: (_, message) => lines.push(message) } });
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /one node, in memory, everything in it is gone when it stops/);
  assert.equal(zookeeper.connect, `127.0.0.1:${zookeeper.port}`);
  assert.match(await fourLetterWord(zookeeper.port, 'srvr'), /embedded, in memory/);
});

test('a port that is taken is an error', async (t) => {
  const { port } = await start(t);
  await assert.rejects(startZooKeeper({ listen: { host: '127.0.0.1', port } }), /EADDRINUSE/);
  await assert.rejects(startZooKeeper({ tickTime: 0 }), /tickTime is 0/);
});

test('sessions expire on its own clock, at most a tick late', async (t) => {
  const clock = new VirtualClock();
  const zookeeper = await start(t, { clock });
  const client = await connect(t, zookeeper, { timeout: 5_000 });
  const watcher = await connect(t, zookeeper, { timeout: 40_000 });
  await client.create('/e', { flags: ephemeral });
  await watcher.exists('/e', true);
  clock.advance(3_000);
  await client.ping();
  clock.advance(4_900);
  assert.equal(zookeeper.sessions().length, 2);
  clock.advance(2_100);
  await client.closed;
  await watcher.arrival(() => watcher.arrivals.includes('deleted /e'));
  assert.deepEqual(
    zookeeper.sessions().map(({ id, timeout, connected }) => ({ id, timeout, connected })),
    [{ id: `0x${watcher.sessionId.toString(16)}`, timeout: 40_000, connected: true }],
  );
});

test('a connection that never begins is closed', async (t) => {
  const clock = new VirtualClock();
  const zookeeper = await start(t, { clock });
  const client = RawClient.bare(zookeeper.port);
  t.after(() => client.destroy());
  client.socket.write(connectPacket().subarray(0, 10));
  await until(async () => /Connections: 2\n/.test(await fourLetterWord(zookeeper.port, 'srvr')), 'the connection');
  clock.advance(9_999);
  assert.equal(client.socket.destroyed, false);
  clock.advance(1);
  await client.closed;
});

test('a session can be made to expire', async (t) => {
  const zookeeper = await start(t);
  const client = await connect(t, zookeeper);
  await client.create('/e', { flags: ephemeral });
  const [session] = zookeeper.sessions();
  assert.deepEqual(session?.ephemerals, ['/e']);
  assert.equal(zookeeper.expireSession(session.id), true);
  assert.equal(zookeeper.expireSession(session.id), false);
  assert.equal(zookeeper.expireSession(client.sessionId), false);
  await client.closed;
  const other = await connect(t, zookeeper, { sessionId: client.sessionId, password: client.password });
  assert.equal(other.timeout, 0);
  const reader = await connect(t, zookeeper);
  assert.equal((await reader.exists('/e')).error, code.noNode);
});

test('it goes away and comes back with its tree and its sessions', async (t) => {
  const clock = new VirtualClock();
  const zookeeper = await start(t, { clock });
  const client = await connect(t, zookeeper, { timeout: 10_000 });
  const { zxid } = await client.create('/e', { flags: ephemeral });
  let error: Error | undefined;
  client.socket.on('error', (cause) => {
    error = cause;
  });
  await zookeeper.suspend();
  await zookeeper.suspend();
  await client.closed;
  assert.match(String(error), /ECONNRESET/);
  await assert.rejects(RawClient.connect(zookeeper.port));
  clock.advance(60_000);
  await zookeeper.resume();
  await zookeeper.resume();
  clock.advance(9_000);
  const { sessionId, password } = client;
  const back = await connect(t, zookeeper, { sessionId, password, lastZxidSeen: zxid, timeout: 10_000 });
  assert.equal(back.sessionId, sessionId);
  assert.equal((await back.exists('/e')).stat?.ephemeralOwner, sessionId);
  clock.advance(12_000);
  await back.closed;
  assert.deepEqual(zookeeper.sessions(), []);
});

test('a fresh one on the same port expires the sessions of the one before, and refuses no client', async (t) => {
  const first = await startZooKeeper();
  const client = await connect(t, first);
  for (let i = 0; i < 100; i++) await client.create(`/n-${i}`);
  const { zxid } = await client.ping();
  await first.close();
  await client.closed;

  const second = await start(t, { listen: { host: '127.0.0.1', port: first.port } });
  const { sessionId, password } = client;
  const back = await connect(t, second, { sessionId, password, lastZxidSeen: zxid });
  assert.equal(back.timeout, 0, 'expired, not refused');
  const fresh = await connect(t, second, { lastZxidSeen: zxid });
  assert.notEqual(fresh.sessionId, sessionId);
  assert.ok((await fresh.ping()).zxid > zxid);
  assert.deepEqual((await fresh.getChildren('/')).children, ['zookeeper']);
});

test('a client that does not read is not read from, and others are served', async (t) => {
  const zookeeper = await start(t);
  const client = await connect(t, zookeeper);
  await client.create('/big', { data: Buffer.alloc(1_000_000) });
  const slow = await connect(t, zookeeper);
  slow.socket.pause();
  const replies = Array.from({ length: 200 }, () => slow.getData('/big'));
  const memory = process.memoryUsage();
  for (let i = 0; i < 50; i++) assert.equal((await client.ping()).error, 0);
  const grown = process.memoryUsage().arrayBuffers - memory.arrayBuffers;
  assert.ok(grown < 100_000_000, `200 MB of answers take ${grown} bytes`);
  slow.socket.resume();
  for (const reply of replies) assert.equal((await reply).data?.length, 1_000_000);
});

test('closing leaves nothing behind', async () => {
  const clock = new VirtualClock();
  const zookeeper = await startZooKeeper({ clock });
  const client = await RawClient.connect(zookeeper.port);
  const idle = RawClient.bare(zookeeper.port);
  await once(idle.socket, 'connect');
  await zookeeper.close();
  await Promise.all([client.closed, idle.closed]);
  await until(() => clock.pending === 0, 'the timers to go');
});
