import { type Figures, figuresOf } from '../../src/policy/simulate/figures.ts';
import type { SimulatedPolicy } from '../../src/policy/simulate/policies.ts';
import type { Scenario } from '../../src/policy/simulate/scenario.ts';
import { simulate } from '../../src/policy/simulate.ts';

/** The figures of docs/policy.md, and the seed that gives them again. */
export interface SimulatedFigures {
  readonly seed: number;
  readonly rows: readonly Figures[];
}

/** So many runs that there are some thousand calls: a few calls a second say little in one. */
export function runsFor(rate: number): number {
  return Math.max(4, Math.min(40, Math.ceil(1_200 / rate)));
}

export function play(scenario: Scenario, rate: number, policy: SimulatedPolicy, seed: number, runs?: number): Figures {
  const results = Array.from({ length: runs ?? runsFor(rate) }, (_, i) =>
    simulate(scenario, { rate, policy, seed: seed + i }),
  );
  return figuresOf(scenario, results);
}
