import { type Clock, systemClock } from '../core/clock.ts';
import type { Cluster } from './cluster.ts';
import { assertPlayable, conduct, type Moment, type Played } from './conductor.ts';
import { builtInGenerator } from './generator/built-in.ts';
import type { LoadGenerator } from './generator/generator.ts';
import { findK6, k6Generator } from './generator/k6.ts';
import type { ProcessGuard } from './local/guard.ts';
import { ownExecutions } from './own-executions.ts';
import { rehearse } from './rehearsal.ts';
import { noPicture, type Painter, painter } from './report/picture.ts';
import { checkFolder, type ReportDocuments, reportDocuments, writeReport } from './report/report.ts';
import { assertRoom } from './room.ts';
import type { Scenario } from './scenario.ts';
import { planOf } from './scenario-plan.ts';
import { judge, type Verdict } from './verdict.ts';
import { verdictTable } from './view/verdict-table.ts';
import type { View } from './view/view.ts';

export type LoadChoice = 'k6' | 'built-in' | 'auto';

export interface RunOptions {
  /** Not started yet. It is started and closed here, whatever happens. */
  cluster: Cluster;
  scenario: Scenario;
  /** What makes the load. `auto`: k6 where it is on PATH, else our own. */
  load: LoadChoice;
  /** Folder for the notes of the load generator. Made and deleted by the caller. */
  directory: string;
  /** Ends the load generator should this process die. */
  guard: ProcessGuard;
  /** Shown over the live view. */
  title: string;
  /** Said before the cluster is started. */
  starting: string;
  /** File for the report; `.svg`, `.json` and `.md` are written beside it. Undefined: no file. */
  report: string | undefined;
  view: View;
  /** Ends it early. */
  signal: AbortSignal;
  /**
   * What becomes of a run that is ended early. `report`: what was played until then is judged, the report says what is missing,
   * and the verdict is red. `discard`: all is ended at once and nothing is judged.
   */
  interrupted: 'report' | 'discard';
  /** How long a call may take, ms. Default 5,000. */
  deadline?: number | undefined;
  clock?: Clock | undefined;
  /** Told what happens, besides the view; `load` is the generator's process id, once there is one. */
  onMoment?: ((moment: Moment, load: number | undefined) => void) | undefined;
}

export interface RunResult {
  /** False when a call was lost, or anything else was not as it must be, writing the report included. */
  ok: boolean;
  /** Undefined when it was ended early and nothing was judged. */
  verdict: Verdict | undefined;
  /** The report, also when no file was asked for; undefined where there is no verdict. */
  documents: ReportDocuments | undefined;
  /** Files that were written. */
  files: readonly string[];
}

const nothing: RunResult = { ok: false, verdict: undefined, documents: undefined, files: [] };

/**
 * Starts a cluster, plays a scenario on it under load, judges it by the books of callers and handlers, shows all of it and
 * makes the report. Whatever happens, the cluster is closed. Rejects with a sentence when it cannot be played at all.
 */
export async function run(options: RunOptions): Promise<RunResult> {
  const { cluster, scenario, view, report, signal } = options;
  assertPlayable(scenario, cluster);
  assertRoom(scenario);
  // Before anything else: minutes later would be a bad time to learn that the report cannot be drawn or written.
  const paint = await painter();
  if (paint === undefined) view.say(noPicture);
  if (report !== undefined) await checkFolder(report);
  let playing = false;
  // Who ends it while all of it starts does not want to wait for that.
  const abort = () => void (playing && options.interrupted === 'report' ? undefined : cluster.close());
  signal.addEventListener('abort', abort, { once: true });
  try {
    const generator = await chooseGenerator(options);
    signal.throwIfAborted();
    view.say(options.starting);
    await cluster.start(scenario.servers);
    const wrong = await showPi(options);
    signal.throwIfAborted();
    playing = true;
    const played = await play(generator, options);
    if (signal.aborted && (options.interrupted === 'discard' || played.samples.length === 0)) return nothing;
    return await conclude(played, wrong, paint, options);
  } catch (cause) {
    if (signal.aborted && !playing) return nothing;
    if (signal.aborted && options.interrupted === 'discard') return nothing;
    throw cause;
  } finally {
    signal.removeEventListener('abort', abort);
    await cluster.close();
  }
}

/** Compares the books, and tells what came of it. */
async function conclude(
  played: Played,
  wrong: readonly string[],
  paint: Painter | undefined,
  { cluster, report, view }: RunOptions,
): Promise<RunResult> {
  const books = await cluster.books();
  // What was changed is restored before anything else can go wrong.
  await cluster.close();
  const executions = books && ownExecutions(books.executions, played);
  const recording = { ...played, executions, gaps: books?.gaps ?? [] };
  const verdict = withProblems(judge(recording), wrong);
  const documents = reportDocuments(recording, verdict, paint);
  for (const line of ['', ...verdictTable(verdict, view.paint)]) view.say(line);
  if (report === undefined) return { ok: verdict.ok, verdict, documents, files: [] };
  try {
    const files = await writeReport(report, documents);
    view.say(`Report: ${files[0]}`);
    return { ok: verdict.ok, verdict, documents, files };
  } catch (cause) {
    // The verdict is known all the same, and the caller may have another place for the report.
    view.say((cause as Error).message);
    return { ok: false, verdict, documents, files: [] };
  }
}

async function chooseGenerator(options: RunOptions): Promise<LoadGenerator> {
  const { load, directory, guard, clock = systemClock } = options;
  const k6 = load === 'built-in' ? undefined : findK6();
  if (k6 !== undefined) return k6Generator({ command: k6, guard, clock });
  if (load === 'k6') throw new Error('there is no k6 on PATH: install it, or use the built-in generator');
  return builtInGenerator(directory, clock);
}

/** Asks for the table of pi, and shows it. Gives back what was wrong with it. Throws where a load would prove nothing. */
async function showPi({ cluster, scenario, view, deadline = 5000 }: RunOptions): Promise<string[]> {
  if (!cluster.keepsBooks) {
    throw new Error(
      'the servers keep no books of their calls, and without them nothing can be proven: server.recordCalls=true in the chart',
    );
  }
  const rows = await rehearse(cluster.gatewayUrl, scenario.load, deadline);
  const nodes = cluster.state().gateways.flatMap(({ nodes }) => nodes);
  const nameOf = (node: string | undefined) => nodes.find(({ id }) => id === node)?.server ?? node ?? 'nobody';
  view.say('');
  for (const { n, value, right, node } of rows) {
    const mark = right ? view.paint.good('✔') : view.paint.bad('✘');
    view.say(`  pi(${n}) = ${value?.toPrecision(12) ?? 'no answer'}  ${mark}  ${view.paint.soft(nameOf(node))}`);
  }
  view.say('');
  return rows
    .filter(({ right }) => !right)
    .map(
      ({ n, value, failure }) =>
        `pi(${n}) was ${failure === undefined ? (value ?? 'no number') : `not answered: ${failure}`}`,
    );
}

async function play(generator: LoadGenerator, options: RunOptions): Promise<Played> {
  const { cluster, scenario, view, title, signal, deadline = 5000, clock = systemClock, onMoment } = options;
  let pid: number | undefined;
  const followed = view.follow(scenario, `${title}, load by ${generator.name}`);
  try {
    return await conduct({
      ...{ scenario, cluster, clock, signal, plan: planOf(scenario, cluster.gatewayUrl, deadline) },
      generator: {
        name: generator.name,
        async start(plan, listener) {
          const load = await generator.start(plan, listener);
          pid = load.pid;
          return load;
        },
      },
      listener: (moment) => {
        followed.tell(moment);
        onMoment?.(moment, pid);
      },
    });
  } finally {
    followed.close();
  }
}

function withProblems(verdict: Verdict, wrong: readonly string[]): Verdict {
  if (wrong.length === 0) return verdict;
  const problems = [...wrong.map((what) => ({ event: 'the table of pi', what })), ...verdict.problems];
  return { ...verdict, ok: false, problems, headline: `${verdict.headline}; the table of pi was wrong` };
}
