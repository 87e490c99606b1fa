import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Clock, systemClock } from '../core/clock.ts';
import { freshId } from '../core/random.ts';
import type { Cluster } from './cluster.ts';
import { conduct, type Moment, type Played } from './conductor.ts';
import { builtInGenerator } from './generator/built-in.ts';
import type { LoadGenerator } from './generator/generator.ts';
import { findK6, k6Generator } from './generator/k6.ts';
import { readExecutions } from './ledger.ts';
import { LocalCluster } from './local/cluster.ts';
import { ProcessGuard } from './local/guard.ts';
import { piTable } from './pi-table.ts';
import type { LoadPlan } from './plan.ts';
import { noPicture, painter } from './report/picture.ts';
import { writeReport } from './report/report.ts';
import type { Scenario } from './scenario.ts';
import { judge, type Verdict } from './verdict.ts';
import { verdictTable } from './view/verdict-table.ts';
import type { View } from './view/view.ts';

export type LoadChoice = 'k6' | 'built-in' | 'auto';

export interface DemoOptions {
  /** How evenkeel is run: program and first arguments, e.g. `[process.execPath, '/app/src/cli/main.ts']`. */
  command: readonly string[];
  /** Path of the module that the servers serve: it keeps a ledger (ledger.ts) and has the method `append`. */
  module: string;
  scenario: Scenario;
  /** What makes the load. `auto`: k6 where it is on PATH, else our own. */
  load: LoadChoice;
  /** A ZooKeeper that runs already. Default: the embedded one. */
  zookeeper?: { host: string; port: number } | undefined;
  /** Worker processes of each server. Default 2. */
  processes?: number;
  /** File for the report; `.json` and `.md` are written beside it. Undefined: none. */
  report: string | undefined;
  view: View;
  /** Ends it early: all is ended, nothing is judged. */
  signal: AbortSignal;
  /** How long a call may take, ms. Default 5,000. */
  deadline?: number;
  clock?: Clock;
  /** More arguments for `evenkeel serve` and `evenkeel gateway`: tests switch protection off with them. */
  serverArguments?: readonly string[];
  gatewayArguments?: readonly string[];
  /** Told what happens, besides the view; `load` is the generator's process id, once there is one. */
  onMoment?: (moment: Moment, load: number | undefined) => void;
}

export interface DemoResult {
  /** False when a call was lost, or anything else was not as it must be. */
  ok: boolean;
  /** Undefined when it was ended early. */
  verdict: Verdict | undefined;
  /** Files that were written. */
  files: readonly string[];
}

/**
 * Brings up ZooKeeper, servers and a gateway, plays the scenario under load, judges it by the books of callers and handlers,
 * shows all of it and writes the report. Whatever happens, nothing that it started is left. Rejects with a sentence when it
 * cannot be played at all.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { scenario, view, report, signal, clock = systemClock } = options;
  // Before anything else: a minute later would be a bad time to learn that the picture cannot be drawn.
  const paint = report === undefined ? undefined : await painter();
  if (report !== undefined && paint === undefined) view.say(noPicture);
  if (report !== undefined) await checkFolder(report);
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-demo-'));
  const guard = new ProcessGuard();
  guard.tidy(directory);
  const cluster = new LocalCluster({ processes: 2, ...options, ledger: directory, guard, clock });
  // A user who presses Ctrl-C while all of it starts does not want to wait for that.
  const abort = () => void cluster.close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const generator = await chooseGenerator(options.load, directory, guard, clock);
    view.say(
      `Starting ZooKeeper, ${scenario.servers} servers with ${options.processes ?? 2} processes each, and a gateway ...`,
    );
    await cluster.start(scenario.servers);
    const wrong = await showPi(cluster, options);
    const played = await play(cluster, generator, options);
    await cluster.close();
    if (signal.aborted) return { ok: false, verdict: undefined, files: [] };
    const recording = { ...played, executions: readExecutions(directory) };
    const verdict = withProblems(judge(recording), wrong);
    const files = report === undefined ? [] : await writeReport(report, recording, verdict, paint);
    for (const line of ['', ...verdictTable(verdict, view.paint)]) view.say(line);
    if (files.length > 0) view.say(`Report: ${files[0]}`);
    return { ok: verdict.ok, verdict, files };
  } catch (cause) {
    if (signal.aborted) return { ok: false, verdict: undefined, files: [] };
    throw cause;
  } finally {
    signal.removeEventListener('abort', abort);
    await cluster.close();
    // It ends what might still be there, and deletes the folder; the second is done here too, for where it could not start.
    await guard.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Learning at the end that there is no place for the report would waste a minute. */
async function checkFolder(report: string): Promise<void> {
  const folder = dirname(report);
  await access(folder, constants.W_OK).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? `there is no folder ${folder}` : cause.message;
    throw new Error(`the report cannot be written: ${why}`, { cause });
  });
}

async function chooseGenerator(
  choice: LoadChoice,
  directory: string,
  guard: ProcessGuard,
  clock: Clock,
): Promise<LoadGenerator> {
  const k6 = choice === 'built-in' ? undefined : findK6();
  if (k6 !== undefined) return k6Generator({ command: k6, directory, guard, clock });
  if (choice === 'k6') throw new Error('there is no k6 on PATH: install it, or use the built-in generator');
  return builtInGenerator(directory, clock);
}

/** Asks for the table of pi, and shows it. Gives back what was wrong with it. */
async function showPi(cluster: Cluster, { view, deadline = 5000 }: DemoOptions): Promise<string[]> {
  const rows = await piTable(cluster.gatewayUrl, deadline);
  const state = cluster.state();
  const nameOf = (node: string | undefined) => state.nodes.find(({ id }) => id === node)?.server ?? node ?? 'nobody';
  view.say('');
  for (const { n, value, right, node } of rows) {
    const mark = right ? view.paint.good('✔') : view.paint.bad('✘');
    view.say(`  pi(${n}) = ${value?.toPrecision(12) ?? 'no answer'}  ${mark}  ${view.paint.soft(nameOf(node))}`);
  }
  view.say('');
  return rows.filter(({ right }) => !right).map(({ n, value }) => `pi(${n}) was ${value ?? 'not answered'}`);
}

async function play(cluster: Cluster, generator: LoadGenerator, options: DemoOptions): Promise<Played> {
  const { scenario, view, signal, clock = systemClock, onMoment } = options;
  let pid: number | undefined;
  const followed = view.follow(scenario, `evenkeel demo, load by ${generator.name}`);
  try {
    return await conduct({
      scenario,
      plan: planOf(options, cluster.gatewayUrl),
      cluster,
      generator: {
        name: generator.name,
        async start(plan, listener) {
          const load = await generator.start(plan, listener);
          pid = load.pid;
          return load;
        },
      },
      clock,
      signal,
      listener: (moment) => {
        followed.tell(moment);
        onMoment?.(moment, pid);
      },
    });
  } finally {
    followed.close();
  }
}

/** More than any event takes: the load is stopped when the scenario is over. */
const reserve = 60_000;
/** The rate is reached within this time: the compilers of all processes are cold, ms. */
const rampUp = 2000;

function planOf({ scenario, deadline = 5000 }: DemoOptions, url: string): LoadPlan {
  const { load, events, patience } = scenario;
  const longest = events.reduce((sum, step) => sum + step.at + patience + ('for' in step ? step.for : 0), reserve);
  const duration = (load.duration ?? 0) + longest;
  const made: LoadPlan['load'] =
    load.kind === 'capacity'
      ? { kind: 'capacity', users: load.users, duration }
      : {
          kind: 'proof',
          startRate: Math.max(1, Math.round(load.rate / 10)),
          stages: [
            { target: load.rate, duration: rampUp },
            { target: load.rate, duration },
          ],
        };
  return { load: made, url, run: freshId().slice(0, 6), n: load.n, unsafe: load.unsafe, deadline };
}

function withProblems(verdict: Verdict, wrong: readonly string[]): Verdict {
  if (wrong.length === 0) return verdict;
  const problems = [...wrong.map((what) => ({ event: 'the table of pi', what })), ...verdict.problems];
  return { ...verdict, ok: false, problems, headline: `${verdict.headline}; the table of pi was wrong` };
}
