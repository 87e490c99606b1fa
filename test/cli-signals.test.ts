/** SIGTERM and SIGINT, at every moment of a server's life: it loses no call, leaves no process and no znode, exits with 0. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { connect } from '../src/client/connect.ts';
import { systemClock } from '../src/core/clock.ts';
import { book } from './support/book-service.ts';
import { type BookClient, BookWorld } from './support/book-world.ts';
import type { EvenkeelGroup } from './support/evenkeel-group.ts';
import { until } from './support/until.ts';

/** Nothing is left: no process, no registration, and no word of trouble. */
function assertGone(server: EvenkeelGroup, world: BookWorld): void {
  assert.deepEqual(server.members, []);
  assert.deepEqual(world.entries, []);
  assert.equal(server.stderr, '');
  assert.deepEqual(
    server.lines.filter(({ level }) => level === 'error'),
    [],
  );
}

async function startCalls(world: BookWorld, client: BookClient, ms: number): Promise<Promise<string[]>[]> {
  const ids = ['write-0', 'write-1', 'write-2', 'write-3'];
  const calls = Promise.all(ids.map(async (id) => (await client.write({ id, ms }, { timeout: 20_000 })).id));
  calls.catch(() => {});
  await world.begun(...ids);
  // In an array, or whoever awaits the start would await the calls.
  return [calls];
}

const all = ['write-0', 'write-1', 'write-2', 'write-3'];

describe('a server that is told to go', { concurrency: 2 }, () => {
  it('takes its registration back at once, serves on, answers what runs, and exits with 0', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2', '--drain-delay', '3s']);
    const client = world.client();
    // The calls outlast that delay, and end within the grace.
    const [calls] = await startCalls(world, client, 5_000);
    server.signal('SIGTERM');
    await until(() => world.entries.length === 0, 'the registration to go');
    assert.equal(
      server.lines.some(({ msg }) => msg === 'going away: starting no more calls'),
      false,
      'while it serves',
    );
    assert.deepEqual(await calls, all);
    assert.equal(await server.over(), 0);
    assertGone(server, world);
  });

  it('by Ctrl-C, which all its processes hear, does the same', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2']);
    const [calls] = await startCalls(world, world.client(), 1_500);
    server.signalGroup('SIGINT');
    assert.deepEqual(await calls, all);
    assert.equal(await server.over(), 0);
    assertGone(server, world);
  });

  it('again and again goes on with what it does', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2']);
    const [calls] = await startCalls(world, world.client(), 2_500);
    for (const signal of ['SIGTERM', 'SIGTERM', 'SIGINT', 'SIGINT', 'SIGTERM'] as const) {
      server.signalGroup(signal);
      await systemClock.sleep(300);
    }
    assert.deepEqual(await calls, all);
    assert.equal(await server.over(), 0);
    assertGone(server, world);
  });

  it('before its workers are there gives up the start', async (test) => {
    const world = await BookWorld.start(test);
    const server = world.launch(['--processes', '2', '--ops', '127.0.0.1:0'], { EVENKEEL_TEST_SLOW: '600000' });
    await server.line('probes and metrics are served');
    await until(() => server.members.length === 3, 'the workers');
    server.signalGroup('SIGINT');
    assert.equal(await server.over(), 0);
    assertGone(server, world);
  });

  it('at any moment of its start leaves nothing behind', async (test) => {
    const world = await BookWorld.start(test);
    // How long a start takes here and now: the moments are spread over it.
    const began = systemClock.now();
    const first = await world.server(['--processes', '2']);
    const whole = systemClock.now() - began;
    first.signal('SIGTERM');
    await first.over();
    const moments = 12;
    let clean = 0;
    for (let i = 0; i < moments; i++) {
      const server = world.launch(['--processes', '2']);
      await systemClock.sleep((whole * i) / (moments - 1));
      server.signalGroup(i % 2 === 0 ? 'SIGTERM' : 'SIGINT');
      const code = await server.over();
      // Before it has begun to listen for signals there is nothing to end but itself.
      if (code === null) assert.match(server.end!.signal!, /^SIG(TERM|INT)$/);
      else assert.equal(code, 0, server.said);
      if (code === 0) clean++;
      await until(() => server.members.length === 0, 'its processes to end');
      assertGone(server, world);
    }
    assert.ok(clean > 0, 'some signals came while it started');
  });

  it('when its workers are dead already', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2']);
    writeFileSync(world.crashFile, '');
    for (const pid of server.workers) process.kill(pid, 'SIGKILL');
    await until(() => world.entries.length === 0, 'the registration to be taken back');
    server.signal('SIGTERM');
    assert.equal(await server.over(), 0);
    assert.deepEqual(server.members, []);
    assert.deepEqual(world.entries, []);
  });

  it('while a worker stands still, which it kills when the grace is over', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2', '--grace', '4s']);
    process.kill(server.workers[0]!, 'SIGSTOP');
    server.signal('SIGTERM');
    assert.equal(await server.over(), 0);
    assertGone(server, world);
  });

  it('with a call that takes longer than the grace, which then ends in an error that says so', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--grace', '4s']);
    const [calls] = await startCalls(world, world.client(), 60_000);
    server.signal('SIGTERM');
    await assert.rejects(calls!, { code: 'UNAVAILABLE', mayHaveExecuted: true });
    assert.equal(await server.over(), 0);
    assertGone(server, world);
  });

  describe('while ZooKeeper is away', () => {
    it('since before it was started: it said so, served whoever knew its address, and goes', async (test) => {
      const world = await BookWorld.start(test);
      await world.zookeeper.suspend();
      const server = world.launch(['--processes', '2', '--ops', '127.0.0.1:0']);
      const { listen } = await server.line('serving');
      const { level } = await server.line('ZooKeeper is away');
      assert.equal(level, 'warn');
      const { ops } = await server.line('probes and metrics are served');
      const ready = await fetch(`http://${ops}/readyz`);
      assert.equal(ready.status, 503);
      assert.match(await ready.text(), /not registered yet/);
      assert.equal((await fetch(`http://${ops}/livez`)).status, 200);
      const client = clientOf(test, String(listen));
      const [calls] = await startCalls(world, client, 1_500);
      server.signal('SIGTERM');
      assert.deepEqual(await calls, all);
      assert.equal(await server.over(), 0);
      assertGone(server, world);
    });

    it('for now: it goes without it, and its registration goes with its session', async (test) => {
      const world = await BookWorld.start(test);
      const server = await world.server(['--processes', '2']);
      const client = world.client();
      const [calls] = await startCalls(world, client, 1_500);
      await world.zookeeper.suspend();
      server.signal('SIGTERM');
      assert.deepEqual(await calls, all);
      assert.equal(await server.over(), 0);
      assert.equal(world.entries.length, 1);
      await world.zookeeper.resume();
      await until(() => world.entries.length === 0, 'the session to end');
      assertGone(server, world);
    });

    it('when it comes back, a server that waited for it registers once', async (test) => {
      const world = await BookWorld.start(test);
      await world.zookeeper.suspend();
      const server = world.launch(['--processes', '2']);
      await server.line('serving');
      await world.zookeeper.resume();
      await until(() => world.entries.length === 1, 'the registration');
      server.signal('SIGTERM');
      assert.equal(await server.over(), 0);
      assertGone(server, world);
    });
  });
});

function clientOf(test: TestContext, address: string): BookClient {
  const client = connect(book, { registry: `static:${address}` });
  test.after(() => client.close(0));
  return client;
}
