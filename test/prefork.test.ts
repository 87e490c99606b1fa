/** A server of several processes, from outside: what its clients, its registry and its probes see when its parts die. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { systemClock } from '../src/core/clock.ts';
import type { RpcError } from '../src/core/error.ts';
import { preface } from '../src/wire/preface.ts';
import { type BookClient, BookWorld } from './support/book-world.ts';
import type { EvenkeelGroup } from './support/evenkeel-group.ts';
import { until } from './support/until.ts';

/** Makes n calls at once that take a while, and gives the processes that answered. */
async function answering(client: BookClient, n: number): Promise<Set<number>> {
  const calls = Array.from({ length: n }, (_, i) => client.read({ id: `spread-${i}`, ms: 50 }));
  return new Set((await Promise.all(calls)).map(({ pid }) => pid));
}

const reachesAll = (client: BookClient, server: EvenkeelGroup) =>
  until(
    async () => (await answering(client, server.workers.length * 2)).size === new Set(server.workers).size,
    'calls to every worker',
  );

async function opsOf(server: EvenkeelGroup): Promise<string> {
  const { ops } = await server.line('probes and metrics are served');
  return `http://${ops}`;
}

describe('a server of several processes', { concurrency: 2 }, () => {
  it('is reached by one client on each of its workers, with one connection to each', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '4', '--ops', '127.0.0.1:0']);
    const client = world.client();
    await reachesAll(client, server);
    const ops = await opsOf(server);
    await until(async () => {
      const { server: view } = (await (await fetch(`${ops}/nodes`)).json()) as {
        server: { workers: { connections: number; state: string }[] };
      };
      return view.workers.map(({ connections }) => connections).join() === '1,1,1,1';
    }, 'one connection to each worker');
  });

  it('loses a worker: its calls are made again or say that they may have run, and another one comes', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2']);
    const [entry] = world.entries;
    const client = world.client();
    await reachesAll(client, server);
    // Long enough that all of them run when the first one is killed. What is made again takes its time twice.
    const patient = { timeout: 30_000 };
    const reads = Array.from({ length: 4 }, (_, i) => client.read({ id: `read-${i}`, ms: 3_000 }, patient));
    const writes = Array.from({ length: 4 }, (_, i) => client.write({ id: `write-${i}`, ms: 3_000 }, patient));
    const ended = Promise.all([Promise.all(reads), Promise.allSettled(writes)]);
    await world.begun('read-0', 'read-1', 'read-2', 'read-3', 'write-0', 'write-1', 'write-2', 'write-3');
    const [victim, other] = server.workers as [number, number];
    const onVictim = (prefix: string) =>
      world.book.filter((line) => line.startsWith(prefix) && line.endsWith(` ${victim}`));
    const [readsHit, writesHit] = [onVictim('read-').length, onVictim('write-').length];
    assert.ok(readsHit > 0 && writesHit > 0, 'calls of both kinds are in flight on it');
    process.kill(victim, 'SIGKILL');

    const [answers, outcomes] = await ended;
    assert.deepEqual(
      answers.map(({ id }) => id),
      ['read-0', 'read-1', 'read-2', 'read-3'],
    );
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as RpcError);
    assert.equal(failed.length, writesHit);
    for (const error of failed) {
      assert.deepEqual([error.code, error.reason, error.mayHaveExecuted], ['UNAVAILABLE', 'CONNECTION_LOST', true]);
    }
    const ran = world.book.filter((line) => line.startsWith('write-')).map((line) => line.split(' ')[0]);
    assert.deepEqual(ran.sort(), ['write-0', 'write-1', 'write-2', 'write-3'], 'each ran once');
    await until(() => !server.workers.includes(victim), 'the next worker');
    assert.ok(server.workers.includes(other));
    await reachesAll(client, server);
    assert.deepEqual(world.entries, [entry], 'the registration was there all the time');
  });

  it('takes its registration back when no worker is left, and registers again when one is', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2', '--ops', '127.0.0.1:0']);
    const ops = await opsOf(server);
    await until(async () => (await fetch(`${ops}/readyz`)).status === 200, 'readiness');
    const client = world.client();
    await reachesAll(client, server);
    const [entry] = world.entries;

    writeFileSync(world.crashFile, '');
    for (const pid of server.workers) process.kill(pid, 'SIGKILL');
    await until(() => world.entries.length === 0, 'the registration to be taken back');
    await until(async () => {
      const ready = await fetch(`${ops}/readyz`);
      return ready.status === 503 && (await ready.text()).includes('no-worker');
    }, 'unreadiness');
    const died = () => server.lines.filter(({ msg }) => msg.startsWith('a worker died')).length;
    await until(() => died() >= 6, 'a loop of crashes');
    assert.equal(server.lines.filter(({ msg }) => msg.startsWith('no worker is left')).length, 1);
    assert.match(server.lines.find(({ msg }) => msg.includes('cannot load'))!.msg, /it is not the time to load/);
    assert.equal((await fetch(`${ops}/livez`)).status, 200);

    const waiting = client.read({ id: 'waiting' }, { timeout: 30_000 });
    rmSync(world.crashFile);
    assert.equal((await waiting).id, 'waiting', 'a call waits for the first worker');
    await until(() => world.entries.length === 1, 'the registration');
    assert.notEqual(world.entries[0], entry);
    await until(async () => (await fetch(`${ops}/readyz`)).status === 200, 'readiness');
    assert.equal(server.end, undefined);
  });

  it('serves what was dialled while workers stood still and were killed', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2']);
    const { listen } = await server.line('serving');
    const port = Number(String(listen).split(':')[1]);
    for (const pid of server.workers) process.kill(pid, 'SIGSTOP');
    await until(
      () => server.workers.every((pid) => server.members.find((it) => it.pid === pid)?.state === 'T'),
      'a stop',
    );
    const sockets = Array.from({ length: 6 }, () => connect(port, '127.0.0.1'));
    test.after(() => sockets.map((socket) => socket.destroy()));
    const greeted = sockets.map((socket) => firstBytes(socket));
    for (const socket of sockets) socket.write(preface);
    await until(() => sockets.every(({ readyState }) => readyState === 'open'), 'the connections');
    for (const pid of server.workers) process.kill(pid, 'SIGKILL');
    for (const bytes of await Promise.all(greeted)) assert.match(bytes.toString('latin1'), /"service":"book"/);
  });

  it('survives that its workers, and itself, have no file left to open', async (test) => {
    const world = await BookWorld.start(test);
    const server = world.launch(['--processes', '2'], {}, { maxFiles: 64 });
    await server.line('registered in ZooKeeper');
    const { listen } = await server.line('serving');
    const port = Number(String(listen).split(':')[1]);
    let ended = 0;
    let greeted = 0;
    const sockets: Socket[] = [];
    test.after(() => sockets.map((socket) => socket.destroy()));
    for (let i = 0; i < 300; i++) {
      const socket = connect(port, '127.0.0.1', () => socket.write(preface));
      socket.on('error', () => {});
      socket.once('data', () => greeted++);
      socket.once('close', () => ended++);
      sockets.push(socket);
      // One after the other, so that the primary has files left when its workers have none.
      await systemClock.sleep(3);
    }
    await until(
      () => greeted + ended >= 300,
      () => `all to be served or refused: ${greeted} and ${ended} of 300`,
    );
    assert.ok(greeted > 0 && ended > 0, 'there was not room for all');
    for (const socket of sockets) socket.destroy();
    const client = world.client();
    await reachesAll(client, server);
    assert.equal(server.end, undefined);
  });

  it('whose primary is killed finishes what runs, says so to its clients, and is gone', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2']);
    const client = world.client();
    await reachesAll(client, server);
    // Long enough that they run still when the client has heard of it.
    const patient = { timeout: 30_000 };
    const calls = Array.from({ length: 4 }, (_, i) => client.write({ id: `write-${i}`, ms: 4_000 }, patient));
    const answers = Promise.all(calls);
    await world.begun('write-0', 'write-1', 'write-2', 'write-3');
    process.kill(server.pid, 'SIGKILL');
    await until(() => client.nodes().nodes[0]?.state === 'draining', 'the word that it goes');
    assert.equal(server.members.length, 2, 'its workers are there still');
    assert.deepEqual(
      (await answers).map(({ id }) => id),
      ['write-0', 'write-1', 'write-2', 'write-3'],
    );
    await until(() => server.members.length === 0, 'its workers to end');
    assert.equal(world.book.filter((line) => line.startsWith('write-')).length, 4);
  });

  it('whose primary is killed while its workers start leaves none of them', async (test) => {
    const world = await BookWorld.start(test);
    const server = world.launch(['--processes', '2'], { EVENKEEL_TEST_SLOW: '600000' });
    await until(() => server.members.length === 3, 'the workers');
    process.kill(server.pid, 'SIGKILL');
    await until(() => server.members.length === 0, 'the workers to end');
  });
});

function firstBytes(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('error', reject);
    socket.once('end', () => reject(new Error('the connection ended without a word')));
  });
}
