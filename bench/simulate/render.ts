import type { Figures } from '../../src/policy/simulate/figures.ts';
import { policies } from '../../src/policy/simulate/policies.ts';
import { scenarios } from '../../src/policy/simulate/scenarios.ts';
import { number } from '../print.ts';
import { usualRates } from './options.ts';
import type { SimulatedFigures } from './play.ts';
import { fair, times } from './print.ts';

type Cell = (row: Figures) => string;

/** The figures as Markdown, for docs/policy.md. @throws Error if a scenario, a rate or a policy is missing */
export function renderSimulated({ rows }: SimulatedFigures): string {
  return [
    own(rows),
    beside('Calls lost, of 10,000', rows, ({ lost, calls }) => share(lost, calls)),
    beside('Attempts wasted, for 10,000 calls', rows, ({ wasted, calls, hasty }) => share(wasted, calls + hasty)),
    beside('p99 of the calls that were answered, ms', rows, ({ p99 }) => number(p99)),
    beside('Hottest server, times its fair share', rows, ({ hottest }) => times(hottest)),
    beside('Time to 80 % of the fair share', rows, fair),
  ].join('\n\n');
}

function own(all: readonly Figures[]): string {
  const head = ['evenkeel', 'calls/s', 'calls', 'lost', 'wasted', 'hottest', 'fair after', 'p50', 'p99'];
  const rows = everyPlay().map(([scenario, rate]) => {
    const row = find(all, scenario, rate, 'evenkeel');
    return [
      ...[scenarios.get(scenario)!.title, String(rate), number(row.calls), number(row.lost), number(row.wasted)],
      ...[times(row.hottest), fair(row), `${number(row.p50)} ms`, `${number(row.p99)} ms`],
      ...[row.retries, row.hedges, row.panics].map(number),
    ];
  });
  return markdown([[...head, 'retries', 'hedges', 'panics'], ...rows]);
}

function beside(title: string, all: readonly Figures[], cell: Cell): string {
  const names = [...policies.values()];
  const rows = everyPlay().map(([scenario, rate]) => [
    ...[scenarios.get(scenario)!.title, String(rate)],
    ...names.map(({ name }) => cell(find(all, scenario, rate, name))),
  ]);
  return markdown([[title, 'calls/s', ...names.map((policy) => policy.title)], ...rows]);
}

function everyPlay(): [scenario: string, rate: number][] {
  return [...scenarios.keys()].flatMap((name) => usualRates.map((rate): [string, number] => [name, rate]));
}

function find(rows: readonly Figures[], scenario: string, rate: number, policy: string): Figures {
  const row = rows.find((one) => one.scenario === scenario && one.rate === rate && one.policy === policy);
  if (row === undefined) throw new Error(`the figures have no ${policy} in "${scenario}" at ${rate} calls/s`);
  return row;
}

function share(count: number, calls: number): string {
  const value = (10_000 * count) / calls;
  return count > 0 && value < 1 ? value.toFixed(1) : number(Math.round(value));
}

function markdown([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head!), line(head!.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}
