import { number } from '../print.ts';
import { table } from '../table.ts';
import { doubts, type FailoverFigures, type FailoverRun } from './figures.ts';
import type { Summary } from './judge.ts';

export function printFailover({ environment, scenario, runs }: FailoverFigures): string {
  const { cpu, cores, node, system, date } = environment;
  const head = `${cpu}, ${cores} cores, Node ${node}, ${system}, ${date}; ${scenario.rate} calls/s`;
  return `${[head, totals(runs), ...runs.map(parts)].join('\n\n')}\n`;
}

/** What a time reads like: ms below a second. */
export function duration(ms: number | null | undefined): string {
  if (ms === undefined) return '-';
  if (ms === null) return 'no end';
  return ms >= 1_000 ? `${(ms / 1_000).toFixed(2)} s` : `${number(ms)} ms`;
}

const summaryHead = ['calls', 'lost', '> 400 ms', '> 1 s', 'p99', 'max'];

/** What the columns of `summaryHead` say of it. */
export function summaryCells({ calls, lost, over400, over1000, p99, max }: Summary): string[] {
  return [...[calls, lost, over400, over1000].map(number), duration(p99), duration(max)];
}

function totals(runs: readonly FailoverRun[]): string {
  const rows = runs.map((run) => [
    run.contender,
    duration(run.deadline),
    ...summaryCells(run),
    duration(run.lag),
    `${run.load.before}, ${run.load.after}`,
  ]);
  return table([['failover', 'deadline', ...summaryHead, 'driver late', 'load'], ...rows]);
}

/** A run by what happened in it, why calls were lost, and what is wrong with the run. */
function parts(run: FailoverRun): string {
  const rows = run.parts.map((part) => [part.name, duration(part.from), ...summaryCells(part)]);
  const title = `${run.contender}, ${duration(run.deadline)}`;
  const lost = run.parts.flatMap(({ name, reasons }) =>
    Object.entries(reasons).map(([reason, count]) => `  ${name}, lost: ${count} x ${reason}`),
  );
  const doubted = doubts(run).map((what) => `  NOT AS IT SHOULD BE: ${what}`);
  return [table([[title, 'from', ...summaryHead], ...rows]), ...lost, ...doubted].join('\n');
}
