import { freshId } from '../core/random.ts';
import type { LoadPlan } from './plan.ts';
import type { Scenario } from './scenario.ts';

/** More than any event takes: the load is stopped when the scenario is over, ms. */
const reserve = 60_000;

/** The load that a scenario asks for, with calls to that gateway that may take `deadline` ms. */
export function planOf({ load, events, patience }: Scenario, url: string, deadline: number): LoadPlan {
  const longest = events.reduce((sum, step) => {
    return sum + step.at + (step.patience ?? patience) + longestDeed(step);
  }, reserve);
  const duration = leastLength(load) + longest;
  const common = { url, run: freshId().slice(0, 6), n: load.n, unsafe: load.unsafe, deadline };
  if (load.kind === 'capacity') return { ...common, load: { kind: 'capacity', users: load.users, duration } };
  const stages = load.stages.map(({ rate, over }) => ({ target: rate, duration: over }));
  const startRate = Math.max(1, Math.round(stages[0]!.target / 10));
  // The last rate goes on until the scenario is over.
  const rest = { target: stages.at(-1)!.target, duration };
  return { ...common, load: { kind: 'proof', startRate, stages: [...stages, rest] } };
}

/** How long the load goes on at least, whatever the events take: all stages are played. ms */
export function leastLength(load: Scenario['load']): number {
  const stages = load.kind === 'proof' ? load.stages.reduce((sum, { over }) => sum + over, 0) : 0;
  return Math.max(stages, load.duration ?? 0);
}

/** More than it takes until the deed is done, ms; what the deed's own deadlines allow is in the reserve. */
function longestDeed(step: Scenario['events'][number]): number {
  if ('for' in step) return step.for;
  // One pod after the other, for as long as it is waited for.
  if (step.do === 'rolling' || step.do === 'drain' || step.do === 'gateway') return 600_000;
  return step.do === 'scale' && step.pace.how === 'gradual' ? 100 * step.pace.every : 0;
}
