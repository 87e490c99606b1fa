import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { stubGateway } from '../../test/support/http-stub.ts';
import { FakeRelease } from '../../test/support/kubernetes/release.ts';
import { until } from '../../test/support/until.ts';
import { systemClock } from '../core/clock.ts';
import { expectedPi } from './expected.ts';
import { connectApi } from './kubernetes/connect.ts';
import { deployments, type Pod } from './kubernetes/objects.ts';
import { fetchReport, listReports } from './kubernetes/report-store.ts';
import { Ledger } from './ledger.ts';
import { startLedgerServer } from './ledger-server.ts';
import { type LoadtestOptions, NotBegun, runLoadtest } from './loadtest.ts';
import { parseScenario } from './scenario.ts';
import { view } from './view/view.ts';

const head = 'name: try\nservers: 2\nload: { kind: proof, rate: 60 }\n';
const scaling = parseScenario(`${head}events: [{ at: 1s, do: scale, to: 3 }, { at: 2s, do: scale, to: 2 }]`);
const long = parseScenario(`${head}events: [{ at: 300ms, do: scale, to: 3 }, { at: 300ms, do: baseline, for: 10m }]`);

/** A release on a fake Kubernetes, whose calls a stub answers and writes down, and what it takes to play on it. */
async function scene(t: TestContext, spoil: (id: string, value: unknown) => unknown = (_, value) => value) {
  /** What servers write to. */
  const books = new Map<string, Ledger>();
  const ledgerOf = async (server: string): Promise<number> => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    books.set(server, new Ledger({ directory, server }));
    const served = await startLedgerServer({ directory, listen: { host: '127.0.0.1', port: 0 }, server });
    t.after(async () => {
      await served.close();
      books.get(server)!.close();
      rmSync(directory, { recursive: true, force: true });
    });
    return served.port;
  };
  let calls = 0;
  const gateway = await stubGateway(async ({ method, input, id }, response) => {
    const there = servers();
    const { node, name } = there[calls++ % there.length]!;
    const end = id === undefined ? () => {} : books.get(name)!.begin(id, method);
    // As long as a call takes that asks a database.
    await systemClock.sleep(20);
    end();
    response.writeHead(200, {
      'content-type': 'application/json',
      'evenkeel-node': node,
      'evenkeel-attempts': '1',
    });
    response.end(JSON.stringify(spoil(id ?? '', expectedPi(input as number))));
  });
  t.after(gateway.close);
  const release = await FakeRelease.start({ ledgerOf });
  t.after(() => release.close());
  /** Those that may be called. */
  const servers = () =>
    (release.pods('server') as unknown as Pod[])
      .filter(({ metadata, status }) => status?.podIP !== undefined && metadata.deletionTimestamp === undefined)
      .map(({ metadata, spec }) => {
        const node = `127.0.0.1:${spec.containers[0]!.ports![0]!.containerPort}`;
        return { node, name: metadata.name };
      });
  const lines: string[] = [];
  const stop = new AbortController();
  const options: LoadtestOptions = {
    scenario: scaling,
    load: 'built-in',
    release: 'lt',
    registry: release.registry,
    gatewayUrl: gateway.url,
    configure: release.configure,
    report: undefined,
    configMap: 'lt-loadtest-report-1',
    view: view({ write: (text: string) => void lines.push(text) } as never, systemClock, { CI: '1' }),
    signal: stop.signal,
  };
  const replicas = () => release.api.find(deployments, 'lt-server').spec.replicas;
  const api = () => connectApi({ clock: systemClock, configure: release.configure });
  return { release, options, lines, stop, replicas, api };
}

/** A folder for what this test makes, and no other one that runs on this machine. */
function ownTemporaryFolder(t: TestContext): string {
  const usual = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  process.env.TMPDIR = folder;
  t.after(() => {
    if (usual === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = usual;
    rmSync(folder, { recursive: true });
  });
  return folder;
}

describe('a load test on Kubernetes', () => {
  it('plays, judges by what handlers wrote, keeps the report, and leaves all as it was', async (t) => {
    const folder = ownTemporaryFolder(t);
    const { options, lines, replicas, api } = await scene(t);
    const { ok, verdict, documents } = await runLoadtest(options);
    assert.ok(ok, JSON.stringify(verdict?.problems));
    assert.deepEqual([verdict!.total.lost, verdict!.total.unverified, verdict!.events.length], [0, 0, 2]);
    assert.equal(replicas(), 2);
    const kept = await fetchReport(await api(), 'lt-loadtest-report-1');
    assert.deepEqual(kept.documents, documents);
    assert.deepEqual([kept.head.ok, kept.head.scenario, kept.head.release], [true, 'try', 'lt']);
    assert.match(lines.join(''), /kept in the ConfigMap lt-loadtest-report-1: evenkeel loadtest report lt-loadtest-r/);
    const left = readdirSync(folder).filter((name) => name.startsWith('evenkeel-loadtest-'));
    assert.deepEqual(left, []);
  });

  it('is red for one wrong digit, and keeps that report as well', async (t) => {
    const { options, api } = await scene(t, (id, value) => (id.endsWith('-20') ? Number(value) + 1e-9 : value));
    // By the name of the release, also where none was given.
    const { ok, verdict } = await runLoadtest({ ...options, release: undefined });
    assert.equal(ok, false);
    assert.equal(verdict!.total.wrong, 1);
    assert.deepEqual(
      (await listReports(await api(), 'lt')).map((report) => [report.name, report.ok]),
      [['lt-loadtest-report-1', false]],
    );
  });

  it('that is ended early puts back what it changed, and says what is missing', async (t) => {
    const { options, stop, replicas, api } = await scene(t);
    const running = runLoadtest({ ...options, scenario: long });
    await until(() => replicas() === 3, 'the first event');
    await systemClock.sleep(1000);
    stop.abort(new Error('SIGTERM'));
    const { ok, verdict } = await running;
    assert.equal(ok, false);
    assert.notEqual(verdict?.outcome, 'passed');
    assert.equal(replicas(), 2);
    const [head] = await listReports(await api());
    assert.equal(head?.ok, false);
  });

  it('is not begun when it is ended while it starts, and puts back what it changed for that', async (t) => {
    const { release, options, stop, replicas } = await scene(t);
    release.answering = false;
    const running = runLoadtest({ ...options, scenario: { ...scaling, servers: 4 } });
    const failed = assert.rejects(running, {
      name: 'NotBegun',
      message: 'it was ended by SIGINT before there was any load',
    });
    await until(() => replicas() === 4, 'the number that it begins with');
    stop.abort(new Error('SIGINT'));
    await failed;
    assert.equal(replicas(), 2);
  });

  it('is not begun when it is ended before the first call', async (t) => {
    const { options, stop, lines, api } = await scene(t);
    // Told after the table of pi, when the load is about to begin.
    const title = options.view.follow;
    options.view.follow = (...args) => {
      stop.abort(new Error('SIGTERM'));
      return title(...args);
    };
    await assert.rejects(runLoadtest({ ...options, scenario: long }), {
      name: 'NotBegun',
      message: 'it was ended by SIGTERM before there was any load',
    });
    assert.match(lines.join(''), /pi\(99\)/);
    assert.deepEqual(await listReports(await api()), []);
  });

  it('is not begun where something is missing, and says what', async (t) => {
    const { release, options, api } = await scene(t);
    release.api.denied.add('patch deployments');
    await assert.rejects(runLoadtest(options), (error) => {
      assert.ok(error instanceof NotBegun);
      assert.match(
        error.message,
        /event 1, scale to 3: the load test may not patch deployments\.apps in the namespace/,
      );
      return true;
    });
    assert.deepEqual(await listReports(await api()), []);
    const none = { ...options, release: 'other' };
    await assert.rejects(runLoadtest(none), { name: 'NotBegun', message: /^there is no release other of evenkeel/ });
  });

  it('that cannot keep its report says so', async (t) => {
    const { release, options } = await scene(t);
    release.api.denied.add('create configmaps');
    await assert.rejects(runLoadtest(options), (error: Error) => {
      assert.ok(!(error instanceof NotBegun));
      assert.match(error.message, /^we may not create configmaps in the namespace demo: /);
      return true;
    });
  });
});
