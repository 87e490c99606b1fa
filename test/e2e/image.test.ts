/** The image in a pod: who it runs as, what it may write, and how its first process keeps house. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isoInstant } from '../../src/core/clock.ts';
import { eventually } from './support/eventually.ts';
import { exec, list } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import type { Pod } from './support/pod.ts';
import { install, type Release } from './support/release.ts';

/** Neither needs a registry here: the gateway is told where the server is. */
const values = {
  zookeeper: { enabled: false },
  global: { registry: { url: 'static:evenkeel-server:7000' } },
  server: { replicaCount: 1 },
  gateway: { replicaCount: 1 },
};
/** ms, by the chart's default. */
const grace = 30_000;
const parts = ['server', 'gateway'] as const;

test('the image', { timeout: 600_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'image');
  const release = await install({ namespace, values });
  const pod = async (part: (typeof parts)[number]) => (await release.pods(part))[0]!;

  for (const part of parts) {
    await t.test(`runs a ${part} as user 1000, without rights, on a root that is only read`, async () => {
      const { metadata } = await pod(part);
      const found = JSON.parse(await script(release, metadata.name, facts)) as Facts;
      assert.deepEqual(found.command.slice(0, 2), ['node', '/usr/local/bin/evenkeel']);
      for (const id of ['Uid', 'Gid']) assert.equal(found.status[id], '1000 1000 1000 1000', id);
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd']) assert.equal(Number(found.status[set]), 0, set);
      assert.equal(found.status.NoNewPrivs, '1');
      assert.equal(found.status.Seccomp, '2', 'what the runtime filters');
      assert.deepEqual(found.writes, { '/': 'EROFS', '/app': 'EROFS', '/app/dist': 'EROFS', '/tmp': 'ok' });
    });
  }

  await t.test('replaces a worker that was killed, and leaves no zombie', async () => {
    const { metadata } = await pod('server');
    const before = await processes(release, metadata.name);
    const workers = before.filter(({ parent }) => parent === 1);
    assert.equal(workers.length, 2, JSON.stringify(before));
    const killed = workers[0]!.pid;
    await script(release, metadata.name, `process.kill(${killed}, 'SIGKILL')`);
    await eventually(async () => {
      const now = await processes(release, metadata.name);
      assert.equal(now.filter(({ parent, state }) => parent === 1 && state !== 'Z').length, 2, 'workers');
      assert.ok(!now.some(({ pid }) => pid === killed), 'the killed one is gone');
      assert.deepEqual(
        now.filter(({ state }) => state === 'Z'),
        [],
        'zombies',
      );
      assert.match(await release.page(metadata.name, '/metrics'), /^evenkeel_server_workers 2$/m);
    });
    assert.equal(await eventually(() => release.call('ping', 'after')), 'after');
    assert.equal((await pod('server')).status.containerStatuses![0]!.restartCount, 0);
  });

  for (const part of parts) {
    await t.test(`ends a ${part} well when it is told to, before it would be killed`, async (t) => {
      const { metadata } = await pod(part);
      // As `docker stop`: the first process alone is told. Kubernetes starts the container again.
      const told = await script(release, metadata.name, `console.log(Date.now()); process.kill(1, 'SIGTERM')`);
      const { terminated } = await eventually(async () => {
        const all = await list<Pod>(namespace, 'pods', release.selector(part));
        const own = all.find((each) => each.metadata.name === metadata.name)!;
        const { lastState } = own.status.containerStatuses![0]!;
        assert.ok(lastState.terminated, `${part} ended`);
        return lastState as Required<typeof lastState>;
      }, 60_000);
      assert.deepEqual([terminated.exitCode, terminated.reason], [0, 'Completed']);
      const took = isoInstant(terminated.finishedAt) - Number(told);
      t.diagnostic(`ended after ${(took / 1_000).toFixed(1)} s`);
      assert.ok(took < grace, `after ${took} ms`);
    });
  }
});

interface Facts {
  command: string[];
  status: Record<string, string>;
  writes: Record<string, string>;
}

/** Runs a script in a container, beside its first process. */
function script(release: Release, pod: string, source: string): Promise<string> {
  return exec(release.namespace, pod, ['node', '--input-type=module', '-'], { input: source });
}

const facts = `
  import { readFileSync, rmSync, writeFileSync } from 'node:fs';
  const command = readFileSync('/proc/1/cmdline', 'utf8').split('\\0');
  const lines = readFileSync('/proc/1/status', 'utf8').trim().split('\\n').map((line) => line.split(':'));
  const status = Object.fromEntries(lines.map(([name, value]) => [name, value.trim().replaceAll('\\t', ' ')]));
  const writes = {};
  for (const folder of ['/', '/app', '/app/dist', '/tmp']) {
    try {
      writeFileSync(folder + '/probe', '');
      rmSync(folder + '/probe');
      writes[folder] = 'ok';
    } catch ({ code }) {
      writes[folder] = code;
    }
  }
  console.log(JSON.stringify({ command, status, writes }));
`;

interface Process {
  pid: number;
  state: string;
  parent: number;
}

/** All processes of a container but the one that looks. */
async function processes(release: Release, pod: string): Promise<Process[]> {
  const source = `
    import { readdirSync, readFileSync } from 'node:fs';
    const found = [];
    for (const pid of readdirSync('/proc').map(Number).filter((pid) => pid > 0 && pid !== process.pid)) {
      try {
        const [, state, parent] = /\\) (\\S) (\\d+) /.exec(readFileSync('/proc/' + pid + '/stat', 'utf8'));
        found.push({ pid, state, parent: Number(parent) });
      } catch {}
    }
    console.log(JSON.stringify(found));
  `;
  return JSON.parse(await script(release, pod, source)) as Process[];
}
