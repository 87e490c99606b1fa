/**
 * What load tests on a cluster came to: `node docs/loadtest.ts REPORT.json...` takes the figures of these reports into
 * docs/loadtest.json, in place of those of the same scenarios; `npm run docs` takes them into the README.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { isoTime } from '../src/core/clock.ts';
import { markdownTable } from '../src/load/report/markdown.ts';
import { type Report, reportSchema } from '../src/load/report/schema.ts';
import { usageWords } from '../src/load/report/table.ts';
import { count, time } from '../src/load/report/words.ts';
import { show, figures as usageFigures } from '../src/load/usage.ts';

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
  /** How the autoscaler followed, by what it scales. */
  autoscaling: (NonNullable<Report['events'][number]['autoscaling']> & { by: string })[];
  /** What pods took that were there for minutes. */
  usage: Report['usage'];
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

function runOf({ scenario, outcome, events, total, p50, p99, capacity, usage, environment }: Report): Run {
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
    autoscaling: events.flatMap(({ autoscaling }) =>
      autoscaling === null ? [] : { by: environment.autoscaler ?? 'an autoscaler', ...autoscaling },
    ),
    usage,
  };
}

/**
 * Those that are known, but for scenarios that were played anew. Throws where what would stay was measured on another day or
 * elsewhere, for all of them are shown under one date and one environment.
 */
export function renewed(known: Figures, fresh: Figures): Figures {
  const anew = new Set(fresh.runs.map(({ scenario }) => scenario));
  const staying = new Set(known.runs.map(({ scenario }) => scenario).filter((scenario) => !anew.has(scenario)));
  const place = ({ date, environment }: Figures) => JSON.stringify([date, environment]);
  if (staying.size > 0 && place(known) !== place(fresh)) {
    throw new Error(
      `${[...staying].join(', ')}: those figures are of ${place(known)}, the new ones of ${place(fresh)}: name reports of these scenarios as well`,
    );
  }
  // In the order in which they stand.
  const order = [...new Set([...known.runs, ...fresh.runs].map(({ scenario }) => scenario))];
  const runs = order.flatMap((scenario) =>
    (anew.has(scenario) ? fresh : known).runs.filter((run) => run.scenario === scenario),
  );
  return { ...fresh, runs };
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
    ...runs.flatMap(({ autoscaling }) => autoscaling.map(followed)).flatMap((sentence) => [sentence, '']),
    ...usageTables(runs.flatMap(({ scenario, usage }) => (scenario === 'soak' ? usage : []))),
    ...groups(capacities).flatMap((of) => [...capacityTable(of), '']),
    `${Object.entries(environment)
      .map(([name, value]) => `${name}: ${value}`)
      .join(' · ')}, ${date}.`,
  ].join('\n');
}

function followed({ by, direction, firstChange, reached, overshoot }: Run['autoscaling'][number]): string {
  const change = direction === 'up' ? ['rise', 'more was ready'] : ['fall', 'less was left'];
  const beyond = overshoot === 0 ? 'no overshoot' : `overshoot ${overshoot}`;
  return `Autoscaler (${by}): after the load began to ${change[0]}, the first server ${change[1]} after ${time(firstChange ?? undefined)}, all that were expected after ${time(reached ?? undefined)}; ${beyond}.`;
}

/** Of each component the pod that took the most in the end, by figure. */
function usageTables(usage: Run['usage']): string[] {
  if (usage.length === 0) return [];
  const rows = [...Map.groupBy(usage, ({ component }) => component)].map(([component, pods]) => [
    component,
    String(pods.length),
    ...usageFigures.map((figure) => {
      const most = pods.toSorted((a, b) => b.late[figure] - a.late[figure])[0]!;
      return `${show(figure, most.early[figure])} → ${show(figure, most.late[figure])}`;
    }),
  ]);
  const heads = ['Pods of the soak that were there for 4 min', 'Number', 'Memory', 'File descriptors', 'Metric series'];
  return [...markdownTable(heads, rows, 1), '', `${usageWords} Of each component the pod that took the most.`, ''];
}

/** Rates and efficiencies of each run, and so how far one can rely on them. */
function capacityTable(runs: readonly Run[]): string[] {
  const servers = [...new Set(runs.flatMap(({ capacity }) => capacity!.map((point) => point.servers)))];
  const each = (n: number, cell: (point: { rate: number; efficiency: number }) => string) =>
    runs.map(({ capacity }) => {
      const point = capacity!.find((one) => one.servers === n);
      return point === undefined ? '–' : cell(point);
    });
  const column = (index: number) => (runs.length === 1 ? '' : `run ${index + 1}, `);
  const heads = [`Servers (${runs[0]!.scenario})`, ...runs.map((_, index) => `${column(index)}calls/s`), 'Efficiency'];
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
  } else {
    const known = JSON.parse(readFileSync(file, 'utf8')) as Figures;
    writeFileSync(file, `${JSON.stringify(renewed(known, figuresOf(reports)), undefined, 2)}\n`);
  }
}
