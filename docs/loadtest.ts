/**
 * What load tests on a cluster came to: `node docs/loadtest.ts REPORT.json...` takes the figures of these reports into
 * docs/loadtest.json, instead of those that were there; `npm run docs` takes them into the README.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { isoTime } from '../src/core/clock.ts';
import { markdownTable } from '../src/load/report/markdown.ts';
import { type Report, reportSchema } from '../src/load/report/schema.ts';
import { count, time } from '../src/load/report/words.ts';

const file = new URL('loadtest.json', import.meta.url);

/** One run, in short. */
interface Run {
  scenario: string;
  outcome: Report['outcome'];
  events: string[];
  total: Report['total'];
  p50: number | null;
  p99: number | null;
  /** The highest p99 while an event took its course, ms. */
  worst: number | null;
  /** ms, the slowest of all events; null where there was none. */
  readyToFirstCall: number | null;
  stopToLastCall: number | null;
  /** Where the load was of kind capacity. */
  capacity: { servers: number; rate: number; efficiency: number }[] | null;
}

export interface Figures {
  date: string;
  environment: Report['environment'];
  runs: Run[];
}

/** The figures of reports. Throws where one of them is none. */
export function figuresOf(reports: readonly Report[]): Figures {
  const last = reports.at(-1)!;
  // These are of the one run.
  const { release: _, autoscaler: __, image: ___, ...environment } = last.environment;
  return { date: isoTime(last.began).slice(0, 10), environment, runs: reports.map(runOf) };
}

function runOf({ scenario, outcome, events, total, p50, p99, capacity }: Report): Run {
  return {
    scenario,
    outcome,
    events: events.map(({ name }) => name.replace(/^\d+ /, '')),
    total,
    p50,
    p99,
    worst: highest(events.map((event) => event.p99.during)),
    readyToFirstCall: highest(events.map((event) => event.readyToFirstCall)),
    stopToLastCall: highest(events.map((event) => event.stopToLastCall)),
    capacity: capacity?.points.map(({ servers, rate, efficiency }) => ({ servers, rate, efficiency })) ?? null,
  };
}

/** As the README has it: a line for each scenario, and what servers could do. */
export function loadtests({ date, environment, runs }: Figures): string {
  const proofs = runs.filter(({ capacity }) => capacity === null);
  const capacities = runs.filter(({ capacity }) => capacity !== null);
  const sum = (of: readonly Run[], field: keyof Run['total']) => of.reduce((all, { total }) => all + total[field], 0);
  const rows = groups(proofs).map((of) => [
    of.every(({ outcome }) => outcome === 'passed') ? '✔' : '✘',
    `**${of[0]!.scenario}**: ${of[0]!.events.join(', ')}`,
    String(of.length),
    ...(['calls', 'lost', 'wrong', 'doubled', 'unknown', 'dropped', 'retried'] as const).map((field) =>
      count(sum(of, field)),
    ),
    ...(['p50', 'p99', 'worst', 'readyToFirstCall', 'stopToLastCall'] as const).map((figure) =>
      time(highest(of.map((run) => run[figure])) ?? undefined),
    ),
  ]);
  const heads = [
    ...['', 'Scenario', 'Runs', 'Calls', 'Lost', 'Wrong', 'Run twice', 'Unknown', 'Not made', 'Sent again'],
    ...['p50', 'p99', 'p99 during an event', 'Ready → first call', 'SIGTERM → last call'],
  ];
  return [
    ...markdownTable(heads, rows, 2),
    '',
    `${count(sum(proofs, 'calls'))} calls, ${count(sum(proofs, 'lost'))} lost. Times are those of the slowest run, server and event.`,
    '',
    ...(capacities.length === 0 ? [] : [...capacityTable(capacities), '']),
    `${Object.entries(environment)
      .map(([name, value]) => `${name}: ${value}`)
      .join(' · ')}, ${date}.`,
  ].join('\n');
}

/** Rates and efficiencies of each run, and so how far one can rely on them. */
function capacityTable(runs: readonly Run[]): string[] {
  const servers = [...new Set(runs.flatMap(({ capacity }) => capacity!.map((point) => point.servers)))];
  const each = (n: number, cell: (point: { rate: number; efficiency: number }) => string) =>
    runs.map(({ capacity }) => {
      const point = capacity!.find((one) => one.servers === n);
      return point === undefined ? '–' : cell(point);
    });
  const heads = ['Servers', ...runs.map((_, index) => `run ${index + 1}, calls/s`), 'Efficiency'];
  const rows = servers
    .sort((a, b) => a - b)
    .map((n) => [
      String(n),
      ...each(n, ({ rate }) => rate.toFixed(1)),
      each(n, ({ efficiency }) => efficiency.toFixed(2)).join(', '),
    ]);
  return markdownTable(heads, rows, 0);
}

/** By scenario, in the order in which they were played first. */
function groups(runs: readonly Run[]): Run[][] {
  const byScenario = new Map<string, Run[]>();
  for (const run of runs) byScenario.set(run.scenario, [...(byScenario.get(run.scenario) ?? []), run]);
  return [...byScenario.values()];
}

function highest(figures: readonly (number | null)[]): number | null {
  const known = figures.filter((figure) => figure !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** What docs/loadtest.json holds, for the README. */
export function kept(): string {
  return loadtests(JSON.parse(readFileSync(file, 'utf8')) as Figures);
}

if (import.meta.main) {
  const reports = process.argv.slice(2).map((path) => reportSchema.parse(JSON.parse(readFileSync(path, 'utf8'))));
  if (reports.length === 0) {
    console.error('node docs/loadtest.ts REPORT.json...: name the reports');
    process.exitCode = 2;
  } else writeFileSync(file, `${JSON.stringify(figuresOf(reports), undefined, 2)}\n`);
}
