/** The chart's load test: a Job that plays a scenario on the release, judges it call by call and keeps the report. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { reportSchema } from '../../src/load/report/schema.ts';
import { cli } from '../support/evenkeel-group.ts';
import { outside } from './lossless/outside.ts';
import { attempt } from './support/command.ts';
import { eventually } from './support/eventually.ts';
import { kubectl, kubectlJson, list } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import type { Pod } from './support/pod.ts';
import { install, type Release } from './support/release.ts';

/** Each kind of fault that needs no second node, on servers that are few and small. */
const short = `
name: short
servers: 2
load: { kind: proof, rate: 50, n: 93, unsafe: 0.1 }
patience: 3m
events:
  - { at: 5s, do: scale, to: 3 }
  - { at: 3s, do: kill, count: 1 }
  - { at: 3s, do: freeze, count: 1, for: 5s }
  - { at: 3s, do: zookeeper-all }
  - { at: 3s, do: gateway }
  - { at: 3s, do: scale, to: 2 }
`;

/** Something is changed early, and then nothing happens for long. */
const long = `
name: long
servers: 2
load: { kind: proof, rate: 20, n: 93 }
patience: 3m
events:
  - { at: 3s, do: scale, to: 4 }
  - { at: 3s, do: baseline, for: 20m }
  - { at: 3s, do: scale, to: 1 }
`;

/** Here a load test writes what it changes. */
const restore = 'evenkeel/loadtest-restore';

interface Deployment {
  metadata: { annotations?: Record<string, string> };
  spec: { replicas: number };
}

interface Job {
  metadata: { name: string };
  status: { succeeded?: number; failed?: number };
}

test('a load test', { timeout: 1_500_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'loadtest');
  const release = await install({
    namespace,
    files: ['values-loadtest.yaml'],
    values: { loadtest: { scenario: short } },
  });
  const loadtest = (...argv: string[]) => evenkeel('loadtest', ...argv, '--namespace', namespace);
  const servers = () => serversOf(release);

  await t.test('plays a scenario, loses nothing, and keeps the report where it can be fetched', async (t) => {
    const job = await ended(release);
    assert.equal(job.status.succeeded, 1, 'pods of the Job that ended well');
    assert.equal((await servers()).spec.replicas, 3, 'as many servers as before');

    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-e2e-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'report.html');
    const { status, stdout, stderr } = await loadtest('report', '--report', file);
    assert.equal(status, 0, `${stdout}${stderr}`);
    console.log(stdout);
    assert.match(readFileSync(file, 'utf8'), /<svg/);
    const report = reportSchema.parse(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')));
    assert.equal(report.outcome, 'passed', report.headline);
    assert.deepEqual(
      report.events.map(({ do: deed }) => deed),
      ['scale', 'kill', 'freeze', 'zookeeper-all', 'gateway', 'scale'],
    );
    for (const { do: deed, name, proof } of report.events) {
      if (deed !== 'scale') assert.ok(proof.length > 0, `proof of ${name}`);
    }
    // 50 a second for the 20 seconds of waiting alone.
    assert.ok(report.total.right > 1_000, `${report.total.right} calls`);
  });

  await t.test('that is deleted puts back what it changed, and says how far it came', async () => {
    const job = await begun(release);
    // Its pod has ended then, too.
    const foreground = ['--cascade=foreground', '--timeout=90s'];
    await kubectl(['delete', 'job', job, '--namespace', namespace, ...foreground], { deadline: 100_000 });
    const { metadata, spec } = await servers();
    assert.equal(spec.replicas, 3, 'as many servers as before');
    assert.equal(metadata.annotations?.[restore], undefined);
    const { status, stdout } = await loadtest('report');
    assert.equal(status, 1, stdout);
    assert.match(stdout, /^### … Not finished: .*\bSIGTERM\b.*3\. scale to 1: not played/s);
  });

  const { signal } = await outside();
  const skip = signal === undefined && 'nobody but Kubernetes reaches the processes of this cluster';
  await t.test('whose conductor is killed leaves what can be put back', { skip }, async () => {
    const job = await begun(release);
    const [pod] = await list<Pod>(namespace, 'pods', `batch.kubernetes.io/job-name=${job}`);
    await signal!({ namespace, pod: pod!.metadata.name, container: 'conductor' }, 'SIGKILL');
    await ended(release);
    assert.equal((await servers()).spec.replicas, 4, 'nobody has put it back');
    const { status, stdout, stderr } = await loadtest('cleanup');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /deployments\/evenkeel-server is as it was before an earlier load test/);
    assert.equal((await servers()).spec.replicas, 3);
    assert.equal((await loadtest('cleanup')).stdout, 'nothing was left changed\n');
  });
});

function serversOf(release: Release): Promise<Deployment> {
  return kubectlJson(['get', 'deployment', release.object('server'), '--namespace', release.namespace]);
}

function evenkeel(...argv: readonly string[]) {
  return attempt(process.execPath, [cli, ...argv]);
}

/** Plays the long scenario. Gives the name of the Job when it has changed something. */
async function begun(release: Release): Promise<string> {
  await release.upgrade({ loadtest: { scenario: long } });
  const [job] = await list<Job>(release.namespace, 'jobs');
  const { name } = job!.metadata;
  await eventually(async () => {
    const { metadata, spec } = await serversOf(release);
    assert.match(metadata.annotations?.[restore] ?? '', new RegExp(name), 'who has changed the number of servers');
    assert.equal(spec.replicas, 4);
  }, 300_000);
  return name;
}

/** Gives the Job of the release when it is over. */
function ended(release: Release): Promise<Job> {
  return eventually(
    async () => {
      const [job] = await list<Job>(release.namespace, 'jobs');
      const { succeeded = 0, failed = 0 } = job!.status;
      assert.equal(succeeded + failed, 1, 'pods of the Job that have ended');
      return job!;
    },
    900_000,
    2_000,
  );
}
