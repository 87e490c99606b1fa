import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { policies } from '../../src/policy/simulate/policies.ts';
import { scenarios } from '../../src/policy/simulate/scenarios.ts';
import { readSimulateOptions, usualRates } from './options.ts';
import { play, type SimulatedFigures } from './play.ts';
import { printSimulated } from './print.ts';
import { renderSimulated } from './render.ts';

const figures: SimulatedFigures = JSON.parse(readFileSync(new URL('figures.json', import.meta.url), 'utf8'));

test('the figures of the docs are what the code gives (npm run simulate -- --json bench/simulate/figures.json)', () => {
  for (const [name, rate] of [
    ['dead', 10],
    ['frozen', 300],
    ['rolling', 10],
  ] as const) {
    for (const policy of policies.values()) {
      const recorded = figures.rows.find(
        (row) => row.scenario === name && row.rate === rate && row.policy === policy.name,
      );
      assert.deepEqual(play(scenarios.get(name)!, rate, policy, figures.seed), recorded, `${name}, ${policy.name}`);
    }
  }
});

test('what the issue asks of evenkeel is in the figures', () => {
  const own = figures.rows.filter(({ policy }) => policy === 'evenkeel');
  assert.equal(own.length, scenarios.size * usualRates.length);
  for (const row of own) {
    const what = `${row.scenario} at ${row.rate}`;
    if (row.scenario !== 'all-fail') assert.equal(row.lost, 0, what);
    if (row.scenario !== 'hasty') assert.ok(row.fairAfter! <= 10_000, `${what}: fair after ${row.fairAfter}`);
    if (row.scenario === 'outage' || row.scenario === 'all-fail')
      assert.ok(row.hottest <= 2, `${what}: ${row.hottest}`);
  }
});

test('by default all scenarios, rates and policies are played; one of each can be chosen', () => {
  const all = readSimulateOptions([]);
  assert.deepEqual(
    [all.scenarios.length, all.rates, all.policies.length, all.seed],
    [scenarios.size, usualRates, policies.size, 1],
  );
  const one = readSimulateOptions(['dead', '--rate', '25', '--policy', 'sofa', '--seed', '0', '--svg', 'x.svg']);
  assert.deepEqual([one.scenarios[0]!.name, one.rates, one.policies[0]!.name, one.seed], ['dead', [25], 'sofa', 0]);
  assert.deepEqual([one.svg, one.markdown, one.runs], ['x.svg', false, undefined]);
});

test('what is not allowed is refused with what is', () => {
  const refused = (args: string[], why: RegExp) => assert.throws(() => readSimulateOptions(args), why);
  refused(['deaf'], /SCENARIO deaf: expected one of dead, frozen/);
  refused(['--policy', 'grpc'], /--policy grpc: expected one of evenkeel, evenkeel-latency, halving/);
  refused(['dead', 'frozen'], /one scenario or all, not also frozen/);
  refused(['--svg', 'x.svg'], /one scenario at one rate/);
  for (const wrong of ['0', '1.5', '-1', 'x', '', '10001']) {
    refused([`--rate=${wrong}`], /--rate .*: expected a whole number in 1\.\.10000/);
  }
});

test('each scenario and rate has a row, and a column for each policy', () => {
  const lines = renderSimulated(figures).split('\n');
  assert.equal(lines.filter((line) => line.startsWith('| one dead of five | 10 |')).length, 6);
  assert.ok(
    lines.includes(
      '| Hottest server, times its fair share | calls/s | evenkeel | evenkeel, `latency` | plain halving | Envoy | Envoy, always one | SOFA |',
    ),
  );
  assert.match(printSimulated(figures.rows), /hasty +evenkeel +10 .*in a hurry: /);
});

test('figures of which a part is missing are not shown', () => {
  const rows = figures.rows.filter(({ scenario, policy }) => scenario !== 'dead' || policy !== 'sofa');
  assert.throws(() => renderSimulated({ ...figures, rows }), /no sofa in "dead" at 10 calls\/s/);
});
