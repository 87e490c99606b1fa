/** Live settings on real processes: what an operator types, and what servers and clients make of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openRegistry } from '../src/registry/open.ts';
import type { SettingsDocument } from '../src/registry/registry.ts';
import { type BookClient, BookWorld } from './support/book-world.ts';
import { EvenkeelGroup, type LogLine } from './support/evenkeel-group.ts';
import { until } from './support/until.ts';

async function run(...args: string[]) {
  const { stdout, stderr, end } = await EvenkeelGroup.run(args);
  return { stdout, stderr, code: end!.code };
}

async function configure(world: BookWorld, document: SettingsDocument): Promise<void> {
  const registry = openRegistry(world.registry);
  await registry.configure(() => ({ version: 1, ...document }));
  await registry.close();
}

/** How many of n calls at once are turned away. */
async function refused(client: BookClient, n: number): Promise<number> {
  const calls = Array.from({ length: n }, (_, i) => client.write({ id: `at-once-${i}`, ms: 400 }));
  const ends = await Promise.allSettled(calls);
  return ends.filter((end) => end.status === 'rejected' && end.reason.reason === 'OVERLOADED').length;
}

interface ServerView {
  server: { id: string; weight: number; offline: boolean; limits: object; workers: { pid: number }[] };
}

const settingLines = (server: EvenkeelGroup): LogLine[] =>
  server.lines.filter(({ msg }) => msg === 'a live setting changed');

describe('evenkeel nodes set', { concurrency: 2 }, () => {
  it('is told by the server, at /nodes, in the metrics and in the log, and shown by evenkeel nodes', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2', '--ops', '127.0.0.1:0', '--weight', '100']);
    const { listen } = await server.line('serving');
    const { ops } = await server.line('probes and metrics are served');
    const view = async () => ((await (await fetch(`http://${ops}/nodes`)).json()) as ServerView).server;
    const { id, ...before } = await view();
    assert.deepEqual(
      [before.weight, before.offline, before.limits],
      [100, false, { maxConcurrent: 1_000, maxQueueTime: 100 }],
    );

    const set = (...args: string[]) => run('nodes', 'set', ...args, '--registry', world.registry);
    assert.deepEqual(await set(String(listen), '--weight', '512', '--offline'), {
      stdout: `${id} (${listen}): weight 100, as announced -> 512; offline\nEvery server is offline now.\n`,
      stderr: '',
      code: 0,
    });
    await until(async () => (await view()).offline, 'the server to know');
    assert.equal((await view()).weight, 512);
    const metrics = await (await fetch(`http://${ops}/metrics`)).text();
    assert.match(metrics, /^evenkeel_server_offline 1$/m);
    assert.match(metrics, /^evenkeel_server_weight 512$/m);
    assert.match(metrics, /^evenkeel_server_max_concurrent 1000$/m);
    assert.deepEqual(
      settingLines(server).map(({ setting, from, to }) => [setting, from, to]),
      [
        [`nodes["${id}"].weight`, null, 512],
        [`nodes["${id}"].offline`, null, true],
      ],
      'the primary says it, once for all its workers',
    );
    const { stdout } = await run('nodes', '--registry', world.registry);
    assert.deepEqual(JSON.parse(stdout).settings, { weight: 512, offline: true });

    assert.deepEqual(await set(id.slice(0, 8), '--reset'), {
      stdout: `${id} (${listen}): weight 512 -> 100, as announced; online\n`,
      stderr: '',
      code: 0,
    });
    await until(async () => !(await view()).offline, 'the server to know');
    assert.equal((await view()).weight, 100);

    const unknown = await set('nonesuch', '--offline');
    assert.deepEqual(unknown, {
      stdout: '',
      stderr: `evenkeel: there is no server "nonesuch": the registry lists ${id} (${listen})\n`,
      code: 1,
    });
  });

  it('is obeyed by clients while calls go on, and loses none', async (test) => {
    const world = await BookWorld.start(test);
    const [one, two] = [await world.server(), await world.server()];
    const client = world.client();
    const failed: unknown[] = [];
    /** Which processes answered a hundred calls. */
    const answers = async () => {
      const pids = new Map<number, number>();
      for (let i = 0; i < 10; i++) {
        const calls = Array.from({ length: 10 }, () => client.write({ id: 'w', ms: 5 }));
        for (const end of await Promise.allSettled(calls)) {
          if (end.status === 'rejected') failed.push(end.reason);
          else pids.set(end.value.pid, (pids.get(end.value.pid) ?? 0) + 1);
        }
      }
      return (server: EvenkeelGroup) => pids.get(server.workers[0]!) ?? 0;
    };
    const both = () => until(async () => [one, two].every(await answers()), 'calls on both');
    await both();
    const { listen } = await one.line('serving');
    const set = (...args: string[]) => run('nodes', 'set', String(listen), ...args, '--registry', world.registry);

    const slow = client.write({ id: 'slow', ms: 3_000 });
    await world.begun('slow');
    const pid = Number(world.book.find((line) => line.startsWith('slow '))!.split(' ')[1]);
    assert.equal((await set('--offline')).code, 0);
    await until(async () => (await answers())(one) === 0, 'no more calls on the server that is offline');
    assert.equal((await answers())(one), 0);
    assert.equal((await slow).pid, pid, 'what was at work is finished where it was');

    assert.equal((await set('--online', '--weight', '1')).code, 0);
    const known = () => client.nodes().nodes.find(({ addr }) => addr === listen)?.settings;
    await until(() => known()?.weight === 1, 'the client to know');
    assert.ok((await answers())(one) < 20, 'a small weight gets few calls');
    assert.equal((await set('--reset')).code, 0);
    await until(async () => (await answers())(one) > 30, 'its share of the calls');
    assert.deepEqual(failed, []);
  });

  it('forgets what was set of a server that is gone', async (test) => {
    const world = await BookWorld.start(test);
    await configure(world, { nodes: { '0123456789abcdef': { offline: true } }, new: 1 });
    const server = await world.server();
    const { listen } = await server.line('serving');
    const { stdout } = await run('nodes', 'set', String(listen), '--weight', '2', '--registry', world.registry);
    assert.match(stdout, /^0123456789abcdef: not registered any more, forgot what was set of it$/m);
    const registry = openRegistry(world.registry);
    for await (const document of registry.settings(new AbortController().signal)) {
      assert.deepEqual(Object.values(document?.nodes as object), [{ weight: 2 }]);
      assert.equal(document?.new, 1, 'what is not known here stays');
      break;
    }
    await registry.close();
  });
});

describe('live limits', () => {
  it('hold in all workers, in those that come later, and until they go', async (test) => {
    const world = await BookWorld.start(test);
    const server = await world.server(['--processes', '2', '--max-concurrent', '3']);
    const client = world.client({ attempts: 1 });
    const spread = async () => {
      const calls = Array.from({ length: 2 }, (_, i) => client.read({ id: `s${i}`, ms: 50 }));
      return new Set((await Promise.all(calls)).map(({ pid }) => pid)).size;
    };
    await until(async () => (await spread()) === 2, 'a connection to each worker');
    const reaches = (n: number) => until(async () => (await refused(client, 8)) === n, `${n} of 8 to be refused`);

    await configure(world, { server: { maxConcurrent: 1, maxQueueTime: 0 } });
    await reaches(6);
    process.kill(server.workers[0]!, 'SIGKILL');
    const started = () => server.lines.filter(({ msg }) => msg === 'a worker serves').length;
    await until(() => started() === 3, 'the next worker');
    await until(async () => (await spread().catch(() => 0)) === 2, 'a connection to each worker');
    await reaches(6);

    await configure(world, { server: { maxQueueTime: 0 } });
    await reaches(2);
    assert.deepEqual(
      settingLines(server).map(({ setting, from, to }) => [setting, from, to]),
      [
        ['server.maxConcurrent', null, 1],
        ['server.maxQueueTime', null, 0],
        ['server.maxConcurrent', 1, null],
      ],
    );
    // Something wrong changes nothing, and is told.
    await configure(world, { server: { maxConcurrent: 0 } });
    const { problems } = await server.line('the live settings are refused: nothing of them is taken');
    assert.deepEqual(problems, ['server.maxConcurrent is 0: expected a whole number from 1 to 1000000']);
    await reaches(2);
  });
});

describe('a gateway', () => {
  it('takes its default deadline from the live settings', async (test) => {
    const world = await BookWorld.start(test);
    await world.server();
    const gateway = EvenkeelGroup.start(test, ['gateway', '--registry', world.registry, '--listen', '127.0.0.1:0']);
    const url = `http://${(await gateway.line('the gateway serves')).listen}`;
    await until(async () => (await fetch(`${url}/readyz`)).status === 200, 'readiness');
    const post = (ms: number, headers = {}) =>
      fetch(`${url}/call/write`, { method: 'POST', body: JSON.stringify({ id: 'w', ms }), headers });
    assert.equal((await post(500)).status, 200);
    await configure(world, { client: { timeout: 100 } });
    await gateway.line('a live setting changed');
    assert.equal((await post(500)).status, 504);
    assert.equal(
      (await post(500, { 'evenkeel-deadline-ms': '5000' })).status,
      200,
      'a request that brings one keeps it',
    );
  });
});
