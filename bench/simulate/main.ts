/**
 * `npm run simulate -- [SCENARIO|all] [--rate N] [--policy NAME] [--seed N] [--runs N] [--svg FILE] [--markdown] [--json FILE]`:
 * the policy on a virtual clock, beside other policies, in the scenarios of docs/policy.md.
 */
import { writeFileSync } from 'node:fs';
import { simulate } from '../../src/policy/simulate.ts';
import { readSimulateOptions, type SimulateCommand } from './options.ts';
import { play, type SimulatedFigures } from './play.ts';
import { printSimulated } from './print.ts';
import { renderSimulated } from './render.ts';

const { scenarios, rates, policies, seed, runs, svg, markdown, json } = readOptionsOrExit();
const plays = scenarios.flatMap((scenario) =>
  rates.flatMap((rate) => policies.map((policy) => ({ scenario, rate, policy }))),
);
const figures: SimulatedFigures = {
  seed,
  rows: plays.map(({ scenario, rate, policy }) => play(scenario, rate, policy, seed, runs)),
};
process.stdout.write(markdown ? `${renderSimulated(figures)}\n` : printSimulated(figures.rows));
if (json !== undefined) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
if (svg !== undefined) {
  // Loaded on use: the figures need no drawing library.
  const { draw } = await import('./picture.ts');
  const results = plays.map(({ scenario, rate, policy }) => ({
    title: policy.title,
    result: simulate(scenario, { rate, policy, seed, standings: true }),
  }));
  writeFileSync(svg, draw(scenarios[0]!, results));
}

function readOptionsOrExit(): SimulateCommand {
  try {
    return readSimulateOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}
