import { getHeapStatistics } from 'node:v8';
import { dueWithin } from './plan.ts';
import type { Scenario } from './scenario.ts';
import { leastLength, planOf } from './scenario-plan.ts';
import { usualLength } from './settle.ts';

/** What a call takes until it is judged, bytes: measured 520 to keep it on both sides, 1,000 while the books are compared. */
const perCall = 1024;
/** For all else, bytes. */
const besides = 96 * 1024 * 1024;

/** The most calls that this process can keep and judge: its heap decides. */
export function mostCalls(heap = getHeapStatistics().heap_size_limit): number {
  return Math.max(0, Math.floor((heap - besides) / perCall));
}

/** Throws a sentence where a scenario makes more calls than fit. What users without a pause will make is not known before. */
export function assertRoom(scenario: Scenario, most = mostCalls()): void {
  const plan = planOf(scenario, '', 0);
  if (plan.load.kind === 'capacity') return;
  const calls = dueWithin(plan.load, Math.max(leastLength(scenario.load), usualLength(scenario.events)));
  if (calls <= most) return;
  const count = (of: number) => Math.round(of).toLocaleString('en');
  throw new Error(
    `the scenario makes about ${count(calls)} calls, and the memory here is enough to judge ${count(most)}: lower its rate, make it ` +
      'shorter, or allow more (NODE_OPTIONS=--max-old-space-size=MIB, 1 KiB a call; in the chart loadtest.conductor.resources, too)',
  );
}
