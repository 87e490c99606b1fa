import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Evenkeel } from './simulate/evenkeel.ts';
import { fairAfter, hottestIn } from './simulate/figures.ts';
import { policies } from './simulate/policies.ts';
import { type Result, step } from './simulate/recorder.ts';
import type { Scenario } from './simulate/scenario.ts';
import { scenarios } from './simulate/scenarios.ts';
import { type SimulateOptions, simulate } from './simulate.ts';

/** A few seconds for each property, on a slow machine too. */
const soon = { interruptAfterTimeLimit: 5_000, markInterruptAsFailure: false };
const seeds = fc.integer({ min: 1, max: 2 ** 31 });
const rates = [1, 10, 300];

/** Nothing happens to anybody. */
const quiet: Scenario = {
  ...{ name: 'quiet', title: 'quiet', clients: 1, servers: 3, capacity: 64, timeout: 5_000, duration: 20_000 },
  ...{ latency: { kind: 'lognormal', median: 4, sigma: 0.5 }, happenings: [], recovers: [] },
};

const attemptsOf = (result: Result, id: string, from = 0, to = Number.POSITIVE_INFINITY) =>
  result.servers
    .find((server) => server.id === id)!
    .attempts.reduce((sum, count, i) => (i * step >= from && i * step < to ? sum + count : sum), 0);

const attemptsOfAll = (result: Result, from?: number, to?: number) =>
  result.servers.reduce((sum, { id }) => sum + attemptsOf(result, id, from, to), 0);

test('one seed, one result; another seed, another one; with every policy', () => {
  for (const policy of policies.values()) {
    for (const name of ['frozen', 'rolling']) {
      const play = (seed: number) => simulate(scenarios.get(name)!, { rate: 50, seed, policy });
      assert.deepEqual(play(7), play(7));
      assert.notDeepEqual(play(7).latencies, play(8).latencies);
    }
  }
});

test('all policies are up against the same calls', () => {
  const calls = Array.from(policies.values(), (policy) => simulate(quiet, { rate: 100, policy }).calls);
  assert.equal(new Set(calls).size, 1);
});
