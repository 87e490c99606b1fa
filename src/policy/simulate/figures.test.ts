import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fairAfter, figuresOf, hottestIn, quantile } from './figures.ts';
import { Recorder, type Result, type ServerRecord, step } from './recorder.ts';
import type { Scenario } from './scenario.ts';

const scenario: Scenario = {
  ...{ name: 'a', title: 'a', clients: 1, servers: 2, capacity: 1, timeout: 5_000, duration: 30_000 },
  ...{ latency: { kind: 'constant', ms: 1 }, happenings: [], recovers: [] },
};

/** A server with so many attempts in each step. */
function record(id: string, perStep: (at: number) => number, from = 0, to = Number.POSITIVE_INFINITY): ServerRecord {
  const attempts = Float64Array.from({ length: 300 }, (_, i) => perStep(i * step));
  return { id, serving: [{ from, to }], attempts, standing: new Float64Array(300) };
}

function result(servers: ServerRecord[], seed = 1, latencies: number[] = [1]): Result {
  return {
    ...{ scenario: 'a', policy: 'p', rate: 100, seed, calls: 10, lost: 1, hasty: { calls: 4, late: 2 }, attempts: 20 },
    ...{ wasted: 6, retries: 3, hedges: 2, panics: 1, latencies: Float64Array.from(latencies), servers },
  };
}

test('the hottest got the most over its fair share, among those that served all the time', () => {
  const servers = [record('a', () => 3), record('b', () => 1), record('c', () => 9, 0, 500)];
  assert.equal(hottestIn(servers, { from: 1_000, to: 2_000 }), 1.5);
  assert.equal(hottestIn([record('a', () => 0)], { from: 0, to: 1_000 }), 0, 'nobody called');
});

test('a newcomer shrinks the share of the others only after ten seconds, and its own counts at once', () => {
  const servers = [record('a', () => 4), record('b', () => 4), record('c', (at) => (at < 5_000 ? 0 : 1), 5_000)];
  // Before: half of nine each. The newcomer: a third.
  assert.ok(Math.abs(hottestIn(servers, { from: 6_000, to: 7_000 }) - 4 / 4.5) < 1e-9);
  assert.ok(Math.abs(hottestIn(servers, { from: 16_000, to: 17_000 }) - 4 / 3) < 1e-9);
});

test('fair after: when it has 80 % of its share for a second, counted from its recovery', () => {
  const servers = [record('a', () => 10), record('b', (at) => (at < 12_000 ? 4 : 8))];
  assert.equal(fairAfter([servers[1]!], servers, 10_000, 30_000), 1_700);
  assert.equal(fairAfter([servers[0]!], servers, 10_000, 30_000), 0);
  assert.equal(fairAfter([servers[1]!], servers, 10_000, 12_000), undefined);
});

test('figures add up the runs; of several that recover the slowest counts, and one that never does', () => {
  const servers = [record('a', () => 10), record('b', (at) => (at < 12_000 ? 4 : 10))];
  const recovers = [
    { at: 10_000, servers: ['b'] },
    { at: 10_000, servers: ['a'] },
  ];
  const figures = figuresOf({ ...scenario, recovers }, [result(servers, 1, [1, 2]), result(servers, 2, [3])]);
  assert.deepEqual(figures, {
    ...{ scenario: 'a', policy: 'p', rate: 100, runs: 2, calls: 20, lost: 2, late: 4, hasty: 8, attempts: 40 },
    ...{ wasted: 12, retries: 6, hedges: 4, panics: 2, p50: 2, p99: 3, hottest: 1.43, fairAfter: 1_500 },
  });
  const never = [record('a', () => 10), record('b', () => 1)];
  assert.equal(figuresOf({ ...scenario, recovers }, [result(never)]).fairAfter, undefined);
  const hottest = { from: 0, to: 1_000 };
  assert.equal(figuresOf({ ...scenario, hottest }, [result(never), result(servers), result(servers)]).hottest, 1.43);
  assert.throws(() => figuresOf(scenario, []), /no runs, no figures/);
});

test('a quantile of few values is one of them', () => {
  assert.deepEqual([quantile([1, 2, 3, 4], 0.5), quantile([1], 0.99), quantile([1, 2], 1)], [3, 1, 2]);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('what was taken down is found again; who serves twice is there twice', () => {
  const recorder = new Recorder(1_000);
  for (const [on, at] of [
    [true, 0],
    [false, 200],
    [true, 500],
  ] as const) {
    recorder.onServing('a', on, at);
  }
  recorder.onCall(false);
  recorder.onAttempt('a', 950);
  recorder.onAttempt('a', 1_200);
  recorder.onAnswered(5, false);
  const [server] = recorder.result({ scenario: 'a', policy: 'p', rate: 1, seed: 1, panics: 0 }).servers;
  assert.deepEqual(server!.serving, [
    { from: 0, to: 200 },
    { from: 500, to: Number.POSITIVE_INFINITY },
  ]);
  assert.deepEqual([...server!.attempts], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
});
