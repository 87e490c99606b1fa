import { parseArgs } from 'node:util';
import { policies, type SimulatedPolicy } from '../../src/policy/simulate/policies.ts';
import type { Scenario } from '../../src/policy/simulate/scenario.ts';
import { scenarios } from '../../src/policy/simulate/scenarios.ts';

export interface SimulateCommand {
  scenarios: readonly Scenario[];
  /** Calls a second. */
  rates: readonly number[];
  policies: readonly SimulatedPolicy[];
  /** Of the first run; the others follow. */
  seed: number;
  /** How many runs, if not as many as the rate asks for. */
  runs: number | undefined;
  /** Where the picture goes: of one scenario, at one rate. */
  svg: string | undefined;
  markdown: boolean;
  /** Where the figures go, for docs/policy.md. */
  json: string | undefined;
}

/** The rates of docs/policy.md. */
export const usualRates: readonly number[] = [10, 300];

/** @throws Error that says what is wrong and what is allowed */
export function readSimulateOptions(args: string[]): SimulateCommand {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rate: { type: 'string' },
      seed: { type: 'string', default: '1' },
      runs: { type: 'string' },
      policy: { type: 'string' },
      svg: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  });
  const [scenario = 'all', ...rest] = positionals;
  if (rest.length > 0) throw new Error(`one scenario or all, not also ${rest.join(' ')}`);
  if (values.svg !== undefined && (scenario === 'all' || values.rate === undefined)) {
    throw new Error('--svg draws one scenario at one rate: name it, and give --rate');
  }
  return {
    scenarios: chosen('SCENARIO', scenario === 'all' ? undefined : scenario, scenarios),
    rates: values.rate === undefined ? usualRates : [whole('--rate', values.rate, 1, 10_000)],
    policies: chosen('--policy', values.policy, policies),
    seed: whole('--seed', values.seed, 0, 2 ** 32 - 1),
    runs: values.runs === undefined ? undefined : whole('--runs', values.runs, 1, 1_000),
    svg: values.svg,
    markdown: values.markdown,
    json: values.json,
  };
}

function chosen<T>(option: string, name: string | undefined, all: ReadonlyMap<string, T>): T[] {
  if (name === undefined) return [...all.values()];
  const one = all.get(name);
  if (one === undefined) throw new Error(`${option} ${name}: expected one of ${[...all.keys()].join(', ')}`);
  return [one];
}

function whole(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${option} ${text}: expected a whole number in ${min}..${max}`);
}
