import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Figures, loadtests, renewed } from './loadtest.ts';

type Run = Figures['runs'][number];

/** A run that lost nothing, but for what is said of it. */
function run(scenario: string, total: Partial<Run['total']>): Run {
  const none = { lost: 0, wrong: 0, doubled: 0, unknown: 0, unverified: 0, cut: 0, retried: 0, dropped: 0 };
  const figures = {
    p50: 41,
    p99: 45,
    worst: 50,
    readyToFirstCall: null,
    stopToLastCall: 18,
    capacity: null,
    autoscaling: [],
    usage: [],
  };
  const all = { calls: 100, right: 100, ...none, ...total };
  return { scenario, outcome: 'passed', events: ['kill -9 1 server'], total: all, ...figures };
}

/** The cells of a scenario's line, by the heads of the table. */
function line(runs: Run[], scenario: string): Record<string, string> {
  const [heads, , ...rows] = loadtests({ date: '2026-01-01', environment: {}, runs })
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()));
  const cells = rows.find(([, , name]) => name?.startsWith(`**${scenario}**`))!;
  return Object.fromEntries(heads!.map((head, index) => [head, cells[index]!]));
}

test('a line of the load tests has the sums of its runs under their own heads, the unknown calls too', () => {
  const runs = [
    run('kill', { calls: 1_000, unknown: 3, retried: 5 }),
    run('freeze', { unknown: 7 }),
    run('kill', { calls: 234, unknown: 1, lost: 2, wrong: 6, doubled: 8, dropped: 9 }),
  ];
  const { Runs, Calls, Lost, Wrong, Unknown, ...others } = line(runs, 'kill');
  assert.deepEqual([Runs, Calls, Lost, Wrong, Unknown], ['2', '1,234', '2', '6', '4']);
  assert.deepEqual([others['Run twice'], others['Not made'], others['Sent again']], ['8', '9', '5']);
  assert.equal(line(runs, 'freeze').Unknown, '7');
});

test('an autoscaler is told how it followed, and by what', () => {
  const autoscaling = {
    by: 'cpu 60 %',
    direction: 'up' as const,
    since: 1,
    firstChange: 90_000,
    reached: null,
    overshoot: 1,
  };
  const text = loadtests({ date: '', environment: {}, runs: [{ ...run('hpa', {}), autoscaling: [autoscaling] }] });
  assert.match(
    text,
    /^Autoscaler \(cpu 60 %\): after the load began to rise, the first server more was ready after 90 s, all that were expected after –; overshoot 1\.$/m,
  );
});

test('of each component the pod is shown that took the most', () => {
  const mebibytes = (memory: number) => ({ memory: memory * 1024 * 1024, descriptors: 80, series: 240 });
  const pod = (name: string, early: number, late: number) => ({
    ...{ pod: name, component: 'gateway', seconds: 540, early: mebibytes(early), late: mebibytes(late), grew: [] },
  });
  const usage = [pod('a', 100, 101), pod('b', 104, 106)];
  const text = loadtests({ date: '', environment: {}, runs: [{ ...run('soak', {}), usage }] });
  assert.match(text, /^\| gateway \| 2 \| 104 MiB → 106 MiB \| 80 → 80 \| 240 → 240 \|$/m);
});

test('runs of capacity have a table for each scenario', () => {
  const points = [
    { servers: 1, rate: 24.04, efficiency: 1 },
    { servers: 2, rate: 47, efficiency: 0.98 },
  ];
  const capacity = (scenario: string, n: number) => ({ ...run(scenario, {}), capacity: points.slice(0, n) });
  const text = loadtests({ date: '', environment: {}, runs: [capacity('a', 2), capacity('b', 1), capacity('a', 2)] });
  assert.match(text, /^\| Servers \(a\) \| run 1, calls\/s \| run 2, calls\/s \| Efficiency \|$/m);
  assert.match(text, /^\| 2 \| 47\.0 \| 47\.0 \| 0\.98, 0\.98 \|$/m);
  assert.match(text, /^\| Servers \(b\) \| calls\/s \| Efficiency \|$/m);
});

test('takes the place of what was known of the same scenarios, and of no other', () => {
  const known: Figures = {
    date: 'd',
    environment: {},
    runs: [run('a', { calls: 1 }), run('b', { calls: 2 }), run('b', { calls: 3 })],
  };
  const fresh: Figures = { ...known, runs: [run('c', { calls: 4 }), run('b', { calls: 5 })] };
  assert.deepEqual(
    renewed(known, fresh).runs.map(({ scenario, total }) => [scenario, total.calls]),
    [
      ['a', 1],
      ['b', 5],
      ['c', 4],
    ],
  );
  assert.throws(() => renewed(known, { ...fresh, date: 'e' }), /^Error: a: those figures are of \["d",/);
  const all = { ...fresh, date: 'e', runs: [run('a', {}), run('b', {})] };
  assert.deepEqual(renewed(known, all), all);
});
