import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/core/clock.ts';
import { type DemoOptions, runDemo } from '../src/load/demo.ts';
import { findK6 } from '../src/load/generator/k6.ts';
import { reportSchema } from '../src/load/report/schema.ts';
import type { RunResult } from '../src/load/run.ts';
import { parseScenario } from '../src/load/scenario.ts';
import { view } from '../src/load/view/view.ts';

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const main = path('../src/cli/main.ts');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evenkeel-demo-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Starts `evenkeel demo`; all that it starts has the test's folder in its environment. */
function demo(...options: string[]): { child: ChildProcess; output: () => string; exited: Promise<number | null> } {
  const child = spawn(process.execPath, [main, 'demo', '--load', 'built-in', ...options], {
    cwd: directory,
    env: { ...process.env, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part));
  return { child, output: () => text, exited: once(child, 'close').then(([code]) => code as number | null) };
}

/** Processes that were started under the test's folder and live. */
function left(): string[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc').filter((pid) => {
    try {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`TMPDIR=${directory}`);
    } catch {
      return false;
    }
  });
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = systemClock.now() + 60_000;
  while (!condition()) {
    if (systemClock.now() > deadline) assert.fail(`not so within 60 s: ${what()}`);
    await systemClock.sleep(50);
  }
}

async function assertNothingLeft(): Promise<void> {
  await until(
    () => left().length === 0,
    () => `processes ${left().join(', ')} have ended`,
  );
  const folders = () => readdirSync(directory).filter((name) => name.startsWith('evenkeel-demo-'));
  await until(
    () => folders().length === 0,
    () => `${folders().join(', ')} is gone`,
  );
}

describe('evenkeel demo', { timeout: 300_000 }, () => {
  it('plays the short scenario, loses nothing, writes its report and leaves nothing running', async () => {
    const { output, exited } = demo('--quick', '--rate', '150');
    assert.equal(await exited, 0, output());
    for (const said of [
      'pi(93) = 3.13820458320',
      'pi(99) = 3.13840796707',
      '▶ 2 kill -9 1 server',
      '✔ Nothing was lost: ',
    ]) {
      assert.ok(output().includes(said), `"${said}" is missing from:\n${output()}`);
    }
    const report = reportSchema.parse(JSON.parse(readFileSync(join(directory, 'evenkeel-report.json'), 'utf8')));
    assert.equal(report.ok, true);
    assert.deepEqual(
      report.events.map(({ name }) => name),
      ['1 scale to 4', '2 kill -9 1 server', '3 scale to 3'],
    );
    const [up, killed, down] = report.events;
    assert.ok(report.total.calls > 1000 && report.total.right + report.total.unknown === report.total.calls);
    assert.ok(up!.startToFirstCall! > 0, 'the new server was called');
    assert.ok(killed!.inFlight! > 0, 'calls were in flight on the server that was killed');
    assert.ok(killed!.proof.every(({ holds }) => holds) && killed!.proof.length === 2);
    assert.ok(down!.stopToLastCall! < 5000, `called for ${down!.stopToLastCall} ms after SIGTERM`);
    assert.notEqual(down!.stopToUnregistered, null, 'the registry was seen to lose it');
    assert.equal(down!.stopToUnpublished, null, 'there is no Kubernetes that publishes servers');
    assert.match(readFileSync(join(directory, 'evenkeel-report.html'), 'utf8'), /<svg /);
    await assertNothingLeft();
  });

  it('plays stages of load, a gradual scaling, a baseline and a ZooKeeper that is killed', async () => {
    const scenario = join(directory, 'scenario.yaml');
    writeFileSync(
      scenario,
      `name: stages
servers: 2
load: { kind: proof, unsafe: 0.05, stages: [{ rate: 50, over: 1s }, { rate: 150, over: 5s }] }
events:
  - { at: 2s, do: scale, to: 4, how: gradual, every: 1s }
  - { at: 1s, do: baseline, for: 2s }
  - { at: 1s, do: zookeeper-all }
`,
    );
    const { output, exited } = demo('--scenario', scenario, '--processes', '1');
    assert.equal(await exited, 0, output());
    const { events, timeline } = reportSchema.parse(
      JSON.parse(readFileSync(join(directory, 'evenkeel-report.json'), 'utf8')),
    );
    assert.deepEqual(
      events.map(({ name }) => name),
      ['1 scale to 4, one every 1 s', '2 baseline of 2 s', '3 all of ZooKeeper killed'],
    );
    assert.deepEqual(
      [...new Set(timeline.replicas.map(({ desired }) => desired))],
      [2, 3, 4],
      'one server after the other was wanted',
    );
    assert.ok(Math.max(...timeline.buckets.map(({ offered }) => offered)) > 120);
    assert.ok(events[0]!.readyToFirstCall !== null, 'it is known when the new servers were ready');
    const proof = events[2]!.proof.map(({ what }) => what).join(', ');
    assert.match(
      proof,
      /zookeeper: process(es)? .* (is|are) gone, 127\.0\.0\.1:\d+ refuses connections, \d+ calls were made/,
    );
  });

  it('shows what servers can do, by users who call without a pause', async () => {
    const scenario = join(directory, 'scenario.yaml');
    writeFileSync(
      scenario,
      `name: capacity
servers: 1
load: { kind: capacity, users: 8 }
events: [{ at: 3s, do: baseline, for: 4s }, { at: 1s, do: scale, to: 2 }, { at: 5s, do: baseline, for: 4s }]
`,
    );
    const { output, exited } = demo('--scenario', scenario, '--processes', '1');
    assert.equal(await exited, 0, output());
    const { capacity } = reportSchema.parse(JSON.parse(readFileSync(join(directory, 'evenkeel-report.json'), 'utf8')));
    // A call takes 40 ms whatever the server does besides: the users set the rate, and two servers are no faster.
    assert.deepEqual(
      capacity!.points.map(({ servers, seconds }) => [servers, seconds > 2]),
      [
        [1, true],
        [2, true],
      ],
    );
    for (const { rate } of capacity!.points) assert.ok(rate > 20 && rate <= 200, `${rate} calls a second`);
    assert.ok(existsSync(join(directory, 'evenkeel-report.capacity.svg')));
  });

  it('cleans up on Ctrl-C in the middle of a fault', async () => {
    const { child, output, exited } = demo('--scenario', path('support/long-freeze.yaml'));
    await until(() => output().includes('▶ 1 freeze'), output);
    await systemClock.sleep(500);
    child.kill('SIGINT');
    assert.equal(await exited, 130, output());
    assert.match(output(), /Ended by SIGINT before the end\. Nothing is left running\./);
    assert.ok(!existsSync(join(directory, 'evenkeel-report.html')), 'nothing is judged');
    await assertNothingLeft();
  });

  it('leaves nothing behind when it is killed itself', async () => {
    const { child, output, exited } = demo('--quick', '--report', 'off');
    await until(() => output().includes('the load begins'), output);
    assert.ok(left().length >= 8, 'ZooKeeper, a gateway, servers, a generator and a guard are there');
    child.kill('SIGKILL');
    await exited;
    await assertNothingLeft();
  });

  for (const [what, options, said] of [
    [
      'a ZooKeeper that is not there',
      ['--zookeeper', '127.0.0.1:1'],
      /^evenkeel: nothing listens at 127\.0\.0\.1:1, where --zookeeper says that ZooKeeper is$/m,
    ],
    [
      'a scenario that is not there',
      ['--scenario', 'nowhere.yaml'],
      /^evenkeel: the scenario cannot be read: ENOENT.*nowhere\.yaml/m,
    ],
    [
      'what local processes cannot do',
      ['--scenario', path('support/cluster-only.yaml')],
      /^evenkeel: the scenario cannot be played on local processes: event 1, drain a node: all processes are on this one machine.*; event 2, rolling restart of the gateways: .*; event 3, autoscaler to 4: .*; event 4, ZooKeeper's leader killed: .*$/m,
    ],
    [
      'a report that cannot be written',
      ['--report', 'no/such/folder/r.html'],
      /^evenkeel: the report cannot be written: there is no folder no\/such\/folder$/m,
    ],
  ] as const) {
    it(`says in one line: ${what}`, async () => {
      const { output, exited } = demo(...options);
      assert.notEqual(await exited, 0);
      assert.match(output(), said);
      assert.ok(!output().includes('    at '), output());
      await assertNothingLeft();
    });
  }
});

describe('the verdict of a demo is red, and names the event', { timeout: 300_000 }, () => {
  /** Plays events on two servers, and tells how it ended. */
  async function play(events: string, more: Partial<DemoOptions> = {}): Promise<RunResult> {
    const output = { text: '', write: (text: string) => (output.text += text) };
    const result = await runDemo({
      command: [process.execPath, main],
      module: path('../src/cli/demo-service.ts'),
      scenario: parseScenario(
        `name: test\nservers: 2\nload: { kind: proof, rate: 200, unsafe: 0.05 }\nevents: ${events}`,
      ),
      load: 'built-in',
      processes: 1,
      report: undefined,
      view: view(output, systemClock, {}),
      signal: new AbortController().signal,
      ...more,
    });
    assert.ok(output.text.includes(result.ok ? '✔ Nothing was lost' : '✘ Not passed'), output.text);
    return result;
  }

  it('without a drain delay and without retries', async () => {
    const { ok, verdict } = await play('[{ at: 3s, do: kill }, { at: 1s, do: scale, to: 1 }]', {
      serverArguments: ['--drain-delay', '0'],
      gatewayArguments: ['--attempts', '1'],
    });
    assert.equal(ok, false);
    assert.ok(verdict!.total.lost > 0);
    assert.ok(verdict!.problems.some(({ event, what }) => event === '1 kill -9 1 server' && /calls? lost/.test(what)));
  });

  it('with a wrong digit', async () => {
    const { ok, verdict } = await play('[{ at: 1s, do: baseline, for: 2s }]', {
      module: path('support/spoilt-service.ts'),
    });
    assert.equal(ok, false);
    assert.ok(verdict!.total.wrong > 0);
    assert.equal(verdict!.total.lost, 0);
    assert.ok(verdict!.problems.some(({ event, what }) => event === '1 baseline of 2 s' && /calls? wrong/.test(what)));
  });

  for (const [load, skip] of [
    ['built-in', false],
    ['k6', findK6() === undefined],
  ] as const) {
    const settings = { skip: skip && 'there is no k6 on PATH' };

    it(`with the load generator killed in the middle of it: ${load}`, settings, async () => {
      const { ok, verdict } = await play('[{ at: 2s, do: freeze, for: 2s }, { at: 1s, do: kill }]', {
        load,
        onMoment(moment, pid) {
          if (moment.kind === 'event-begins') process.kill(pid!, 'SIGKILL');
        },
      });
      assert.equal(ok, false);
      const said = verdict!.problems.map(({ event, what }) => `${event}: ${what}`).join('\n');
      assert.match(said, /(1 freeze 1 server for 2 s|the start): the load generator ended before its time: SIGKILL/);
      assert.match(said, /the whole run: 1 of 2 events were not played/);
    });

    it(`with calls that were never sent: ${load}`, settings, async () => {
      const { ok, verdict } = await play('[{ at: 2s, do: baseline, for: 5s }]', {
        load,
        // So few may be without an answer at once: 1.5 s of them.
        deadline: 500,
        onMoment(moment, pid) {
          if (moment.kind !== 'event-begins') return;
          process.kill(pid!, 'SIGSTOP');
          systemClock.timer(4000, () => process.kill(pid!, 'SIGCONT'), { keepAlive: true });
        },
      });
      assert.equal(ok, false);
      assert.ok(verdict!.total.dropped > 0);
      assert.ok(
        verdict!.problems.some(({ event, what }) => event === '1 baseline of 5 s' && /due and never sent/.test(what)),
        verdict!.problems.map(({ event, what }) => `${event}: ${what}`).join('\n'),
      );
    });
  }
});
