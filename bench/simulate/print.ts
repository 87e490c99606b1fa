import type { Figures } from '../../src/policy/simulate/figures.ts';
import { scenarios } from '../../src/policy/simulate/scenarios.ts';
import { number } from '../print.ts';
import { table } from '../table.ts';

const head = [
  ...['scenario', 'policy', 'calls/s', 'calls', 'lost', 'wasted', 'hottest', 'fair after', 'p50 ms', 'p99 ms'],
  ...['retries', 'hedges', 'panics'],
];

export function printSimulated(rows: readonly Figures[]): string {
  return `${table([head, ...rows.map(cells)])}\n`;
}

function cells(row: Figures): string[] {
  const { calls, wasted, p50, p99, retries, hedges, panics } = row;
  return [
    ...[row.scenario, row.policy, String(row.rate), number(calls), lost(row)],
    ...[number(wasted), times(row.hottest), fair(row), number(p50), number(p99)],
    ...[retries, hedges, panics].map(number),
  ];
}

/** Calls lost, and those in a hurry that were too late. */
function lost({ lost, late, hasty }: Figures): string {
  return hasty === 0 ? number(lost) : `${number(lost)} (in a hurry: ${number(late)} of ${number(hasty)})`;
}

/** Times its fair share; nothing where no call was answered to compare. */
export function times(hottest: number): string {
  return hottest === 0 ? 'none served' : `${hottest.toFixed(2)}x`;
}

export function fair({ scenario, fairAfter }: Figures): string {
  if (fairAfter !== undefined) return `${(fairAfter / 1_000).toFixed(1)} s`;
  return scenarios.get(scenario)!.recovers.length === 0 ? '-' : 'not in time';
}
