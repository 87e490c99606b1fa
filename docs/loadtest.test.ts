import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Figures, loadtests } from './loadtest.ts';

type Run = Figures['runs'][number];

/** A run that lost nothing, but for what is said of it. */
function run(scenario: string, total: Partial<Run['total']>): Run {
  const none = { lost: 0, wrong: 0, doubled: 0, unknown: 0, unverified: 0, cut: 0, retried: 0, dropped: 0 };
  const figures = { p50: 41, p99: 45, worst: 50, readyToFirstCall: null, stopToLastCall: 18, capacity: null };
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
