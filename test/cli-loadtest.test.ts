/** `evenkeel loadtest` as a shell sees it. What it does on a cluster is tested where it is done; here it is what it says, and its exit codes. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { findHelm, kubeVersion, runHelm } from '../charts/tools/helm.ts';
import { systemClock } from '../src/core/clock.ts';
import { annotation } from '../src/load/kubernetes/changes.ts';
import { connectApi } from '../src/load/kubernetes/connect.ts';
import { deployments } from '../src/load/kubernetes/objects.ts';
import { keepReport } from '../src/load/kubernetes/report-store.ts';
import { reportDocuments } from '../src/load/report/report.ts';
import { judge } from '../src/load/verdict.ts';
import { EvenkeelGroup } from './support/evenkeel-group.ts';
import { FakeRelease, type FakeReleaseOptions } from './support/kubernetes/release.ts';
import { syntheticRun } from './support/synthetic-run.ts';
import { until } from './support/until.ts';

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** `evenkeel loadtest ARGS` in an empty folder. */
async function run(t: TestContext, args: readonly string[], env: Record<string, string | undefined> = {}) {
  const cwd = folder(t);
  const nowhere = { KUBECONFIG: '/dev/null', KUBERNETES_SERVICE_HOST: undefined };
  const { stdout, stderr, end } = await EvenkeelGroup.run(['loadtest', ...args], { cwd, env: { ...nowhere, ...env } });
  return { stdout, stderr, code: end!.code, cwd, files: readdirSync(cwd).sort() };
}

function kubeconfig(t: TestContext, server: string): string {
  const file = join(folder(t), 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'us', user: {} }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'us', namespace: 'demo' } }],
    'current-context': 'fake',
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** A release on a fake Kubernetes, and what says where it is. */
async function cluster(t: TestContext, options: FakeReleaseOptions = {}) {
  const release = await FakeRelease.start(options);
  t.after(() => release.close());
  return { release, env: { KUBECONFIG: kubeconfig(t, release.api.url) } };
}

const report = () => {
  const recording = syntheticRun();
  const verdict = judge(recording);
  return { verdict, documents: reportDocuments(recording, verdict, undefined) };
};

describe('evenkeel loadtest', { concurrency: 2 }, () => {
  const wrong: [args: string[], says: RegExp][] = [
    [[], /^Usage: evenkeel loadtest/],
    [['play'], /^evenkeel: unknown command 'play'/],
    [['run'], /^evenkeel: missing required argument 'SCENARIO'/],
    [
      ['run', 'chaos'],
      /^evenkeel: there is no scenario chaos: there are baseline, capacity, .*zookeeper-leader; or name a file\n$/,
    ],
    [['run', './chaos.yaml'], /^evenkeel: the scenario cannot be read: ENOENT.*chaos\.yaml'\n$/],
    [
      ['run', 'kill'],
      /^evenkeel: a load test is conducted from a pod of its cluster: helm upgrade RELEASE .*loadtest\.scenario=kill; or with --here /,
    ],
    [['run', 'kill', '--url', 'gateway:8080'], /'--url <URL>' argument 'gateway:8080' is invalid. expected a URL such/],
    [['run', 'kill', '--here'], /^evenkeel: .*Kubernetes.*\n$/],
    [['report', '--report', 'off', '--nonsense'], /^evenkeel: unknown option '--nonsense'/],
    [['compare', 'one.json'], /^evenkeel: missing required argument 'B'/],
    [['compare', 'one.json', 'two.json'], /^evenkeel: the report cannot be read: ENOENT.*one\.json'\n$/],
    [['cleanup', 'a', 'b'], /^evenkeel: too many arguments for 'cleanup'/],
  ];
  for (const [args, says] of wrong) {
    it(`${args.join(' ')}: says what is wrong, and exits with 2`, async (t) => {
      const { stdout, stderr, code, files } = await run(t, args);
      assert.match(stderr, says);
      assert.deepEqual([stdout.replace(/^Waiting .*\n/, ''), code, files], ['', 2, []]);
    });
  }

  it('says a command that the chart takes, for a file, too', {
    skip: findHelm() === undefined && 'no helm',
  }, async (t) => {
    const file = join(folder(t), 'mine.yaml');
    writeFileSync(file, 'name: mine\nservers: 2\nload: { kind: proof, rate: 10 }\nevents: [{ at: 5s, do: kill }]\n');
    for (const given of ['kill', file]) {
      const { stderr, code } = await run(t, ['run', given]);
      const [, said = ''] = /cluster: helm upgrade RELEASE (charts\/evenkeel .*); or with --here/.exec(stderr) ?? [];
      const args = said.split(' ').filter((arg) => arg !== '--reset-then-reuse-values');
      const rendered = await runHelm(findHelm()!, ['template', 'shop', '--kube-version', kubeVersion, ...args]);
      assert.match(rendered.stdout, /do: kill/, rendered.stderr);
      assert.equal(code, 2);
    }
  });

  it('says all that is wrong with a scenario', async (t) => {
    const file = join(folder(t), 'bad.yaml');
    writeFileSync(file, 'name: bad\nservers: 0\nload: { kind: proof, rate: 10 }\nevents: [{ at: 5, do: explode }]\n');
    const { stderr, code } = await run(t, ['run', file]);
    assert.match(
      stderr,
      /bad\.yaml cannot be played: servers: .*; events\[1\]\.do: "explode" is not known; allowed: scale, /,
    );
    assert.equal(code, 2);
  });

  it('says that users have no rate', async (t) => {
    const { stderr, code } = await run(t, ['run', 'capacity', '--here', '--rate', '50']);
    assert.match(
      stderr,
      /^evenkeel: --rate: the scenario capacity has 12 users who call without a pause, and no rate\n$/,
    );
    assert.equal(code, 2);
  });

  it('says that the cluster cannot be reached', async (t) => {
    const env = { KUBECONFIG: kubeconfig(t, 'https://127.0.0.1:1') };
    for (const args of [['run', 'scale', '--here'], ['report'], ['cleanup']]) {
      const { stderr, code } = await run(t, args, env);
      assert.match(stderr, /^evenkeel: the API server https:\/\/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED.*\n$/);
      assert.equal(code, 2, args.join(' '));
    }
  });

  it('says which right is missing, and which releases there are', async (t) => {
    const { release, env } = await cluster(t);
    const args = ['--here', '--registry', 'static:127.0.0.1:1', '--report', 'off'];
    release.api.denied.add('list pods');
    const denied = await run(t, ['run', 'scale', ...args], env);
    assert.match(
      denied.stderr,
      /^evenkeel: we may not list pods in the namespace demo: our service account .* needs a Role/,
    );
    assert.equal(denied.code, 2);
    release.api.denied.clear();
    const other = await run(t, ['run', 'scale', ...args, '--release', 'other'], env);
    assert.match(
      other.stderr,
      /^evenkeel: there is no release other of evenkeel in the namespace demo; there is lt\n$/,
    );
    assert.equal(other.code, 2);
  });
});

describe('evenkeel loadtest run', () => {
  /** One that waits until its servers are well, and for a change of theirs that takes its time; as at a terminal. */
  async function starting(t: TestContext) {
    const { release, env } = await cluster(t, { servers: 3 });
    const patching = Promise.withResolvers<undefined>();
    release.api.refuse = ({ method }) => (method === 'PATCH' ? patching.promise : undefined);
    const terminal = 'data:text/javascript,process.stdin.isTTY=true';
    const args = ['loadtest', 'run', 'scale', '--here', '--report', 'off', '--registry', release.registry];
    const group = EvenkeelGroup.start(t, args, {
      cwd: folder(t),
      env: { ...env, KUBERNETES_SERVICE_HOST: undefined, NODE_OPTIONS: `--import=${terminal}` },
    });
    await until(() => release.api.requests.some(({ method }) => method === 'PATCH'), 'it to change something');
    return { release, group, patching };
  }

  it('ends by Ctrl-C while it starts, says so, and was not begun', async (t) => {
    const { release, group, patching } = await starting(t);
    process.kill(group.pid, 'SIGINT');
    await until(() => group.stderr !== '', 'a word');
    patching.resolve(undefined);
    await group.ended;
    assert.equal(
      group.stderr,
      'evenkeel: ended by SIGINT: what was changed is put back\n' +
        'evenkeel: it was ended by SIGINT before there was any load\n',
    );
    assert.equal(group.end!.code, 2);
    assert.equal(release.api.find(deployments, 'lt-server').spec.replicas, 3);
  });

  it('ends at once by another Ctrl-C, and says what is left to be done', async (t) => {
    const { group } = await starting(t);
    process.kill(group.pid, 'SIGINT');
    await until(() => group.stderr !== '', 'a word');
    // So early it would be taken for an echo.
    await systemClock.sleep(1_200);
    process.kill(group.pid, 'SIGINT');
    await group.ended;
    assert.match(group.stderr, /\nevenkeel: ended at once: `evenkeel loadtest cleanup` puts back what was changed\n$/);
    assert.equal(group.end!.code, 130);
  });
});

describe('evenkeel loadtest report', { concurrency: 2 }, () => {
  it('fetches the newest, or the one that is named, and tells its verdict by the exit code', async (t) => {
    const { release, env } = await cluster(t);
    const { verdict, documents } = report();
    const api = await connectApi({ clock: systemClock, configure: release.configure });
    const { headline } = verdict;
    const head = {
      name: 'lt-loadtest-report-1',
      release: 'lt',
      scenario: 'demo',
      at: '2026-11-21T12:00:00Z',
      ok: true,
      headline,
    };
    await keepReport(api, head, documents);
    await keepReport(api, { ...head, name: 'lt-loadtest-report-2', at: '2026-11-21T13:00:00Z', ok: false }, documents);

    const newest = await run(t, ['report'], env);
    assert.equal(newest.code, 1, newest.stderr);
    assert.equal(newest.stdout, `${documents.markdown.trimEnd()}\n`);
    assert.deepEqual(newest.files, ['evenkeel-report.html', 'evenkeel-report.json', 'evenkeel-report.md']);
    assert.equal(readFileSync(join(newest.cwd, 'evenkeel-report.json'), 'utf8'), documents.json);

    const first = await run(t, ['report', 'lt-loadtest-report-1', '--report', 'off'], env);
    assert.deepEqual([first.code, first.files], [0, []]);

    const list = await run(t, ['report', '--list', '--release', 'lt'], env);
    assert.deepEqual(
      list.stdout.split('\n').map((line) => line.split('  ').slice(0, 4)),
      [
        ['2026-11-21T13:00:00Z', 'lt-loadtest-report-2', 'lt', 'demo'],
        ['2026-11-21T12:00:00Z', 'lt-loadtest-report-1', 'lt', 'demo'],
        [''],
      ],
    );
    assert.equal(list.code, 0);
  });

  it('says that there is none', async (t) => {
    const { env } = await cluster(t);
    const none = await run(t, ['report', '--release', 'lt'], env);
    assert.equal(none.stderr, 'evenkeel: no report of a load test is kept of the release lt in the namespace demo\n');
    const other = await run(t, ['report', 'nothing'], env);
    assert.equal(other.stderr, 'evenkeel: there is no nothing among the configmaps in the namespace demo\n');
    assert.deepEqual([none.code, other.code], [2, 2]);
  });
});

describe('evenkeel loadtest compare', () => {
  it('puts two reports side by side, and writes a page when asked for', async (t) => {
    const file = join(folder(t), 'one.json');
    writeFileSync(file, report().documents.json);
    const { stdout, stderr, code, cwd } = await run(t, ['compare', file, file, '--page', 'page.html']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^\| Calls \| ([\d,]+) \| \1 \|/m);
    assert.match(readFileSync(join(cwd, 'page.html'), 'utf8'), /^<!doctype html>/i);
  });

  it('says what is no report', async (t) => {
    const file = join(folder(t), 'none.json');
    writeFileSync(file, '{"version": 7}');
    const { stderr, code } = await run(t, ['compare', file, file]);
    assert.match(stderr, /^evenkeel: .*none\.json.*\n$/);
    assert.equal(code, 2);
  });
});

describe('evenkeel loadtest cleanup', () => {
  it('puts back what was left, once', async (t) => {
    const { release, env } = await cluster(t, { servers: 3 });
    const note = JSON.stringify({ by: 'a-pod-that-is-gone', release: 'demo/lt', was: { replicas: 2 } });
    release.api.patch(deployments, 'lt-server', { metadata: { annotations: { [annotation]: note } } });
    const first = await run(t, ['cleanup'], env);
    assert.equal(first.stdout, 'deployments/lt-server is as it was before an earlier load test\n');
    assert.equal(release.api.find(deployments, 'lt-server').spec.replicas, 2);
    const second = await run(t, ['cleanup', 'lt'], env);
    assert.equal(second.stdout, 'nothing was left changed\n');
    assert.deepEqual([first.code, second.code], [0, 0]);
  });

  it('says what could not be put back, and exits with 1', async (t) => {
    const { release, env } = await cluster(t);
    const note = JSON.stringify({ by: 'gone', release: 'demo/lt', was: { replicas: 1 } });
    release.api.patch(deployments, 'lt-server', { metadata: { annotations: { [annotation]: note } } });
    release.api.denied.add('patch deployments');
    const { stdout, stderr, code } = await run(t, ['cleanup'], env);
    assert.match(
      stderr,
      /^evenkeel: deployments\/lt-server could not be put back as it was: we may not patch deployments/,
    );
    assert.deepEqual([stdout, code], ['', 1]);
  });
});
