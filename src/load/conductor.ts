import type { Clock } from '../core/clock.ts';
import type { Cluster, ClusterState, Deed } from './cluster.ts';
import { order } from './deeds.ts';
import type { LoadGenerator, RunningLoad } from './generator/generator.ts';
import { refusalsByHeadCount } from './head-count.ts';
import type { LoadPlan } from './plan.ts';
import type { LoadEnd, PlayedEvent, Recording } from './recording.ts';
import { mostCalls } from './room.ts';
import { type LoadRecord, SampleBook } from './sample.ts';
import { describeStep, eventName, type Scenario, ScenarioError, type Step } from './scenario.ts';
import { leastLength } from './scenario-plan.ts';
import { unsettled } from './settle.ts';
import { sharing } from './shared-state.ts';

/** What is told while it happens, for the screen. */
export type Moment =
  | { kind: 'load-begins'; at: number }
  | { kind: 'record'; record: LoadRecord }
  | { kind: 'state'; state: ClusterState }
  | { kind: 'event-begins'; at: number; index: number; name: string; step: Step }
  | { kind: 'event-ends'; event: PlayedEvent }
  | { kind: 'load-ends'; end: LoadEnd };

export interface ConductOptions {
  scenario: Scenario;
  plan: LoadPlan;
  /** Started already. Closing it is the caller's. */
  cluster: Cluster;
  generator: LoadGenerator;
  clock: Clock;
  listener?: (moment: Moment) => void;
  /** Ends the run early; what was recorded until then is given back. */
  signal: AbortSignal;
  /** With more calls than this it ends early, too: they could not be judged. Default: what memory allows. */
  mostCalls?: number;
}

/** Without the handlers' books, which are read when all is over. */
export type Played = Omit<Recording, 'executions' | 'gaps'>;

/** How often the cluster's state is written down, ms. */
const statePeriod = 100;
/**
 * How long the load goes on after the last event has settled, beyond a call's deadline, ms: a call of the event has come to its end
 * by then, whatever that is, and there is something to compare with.
 */
const tail = 1000;
/** How long the generator may take to end when it was told to, beyond a call's deadline, ms. */
const stopGrace = 5000;

/** Throws a ScenarioError when a cluster cannot play all steps of a scenario: to learn that in the middle would waste the run. */
export function assertPlayable(scenario: Scenario, cluster: Cluster): void {
  const byHeadCount = refusalsByHeadCount(scenario);
  const refusals = scenario.events.flatMap((step, place) => {
    const why = cluster.refusal(step) ?? byHeadCount[place];
    return why === undefined ? [] : [`event ${place + 1}, ${describeStep(step)}: ${why}`];
  });
  if (refusals.length > 0) {
    throw new ScenarioError(`the scenario cannot be played on ${cluster.kind}: ${refusals.join('; ')}`);
  }
}

/** Plays a scenario on a cluster under load, and records. Rejects before there is any load when it cannot be played there. */
export async function conduct(options: ConductOptions): Promise<Played> {
  const { scenario, plan, cluster, generator, clock, signal, mostCalls: most = mostCalls() } = options;
  assertPlayable(scenario, cluster);
  const tell = options.listener ?? (() => {});
  const offset = clock.wallTime() - clock.now();
  const now = () => clock.now() + offset;

  const book = new SampleBook();
  const states: ClusterState[] = [];
  const events: PlayedEvent[] = [];
  // The events end with the load: without it they would prove nothing. They end with what they are done to, too.
  const over = new AbortController();
  let gaveUp: string | undefined;
  const giveUp = (why: string) => {
    gaveUp ??= why;
    over.abort(new Error(why));
  };
  const { promise: flowing, resolve: flows } = Promise.withResolvers<void>();
  let first: number | undefined;
  const load = await generator.start(plan, (record) => {
    if (record.kind === 'sent') {
      first ??= record.intended;
      flows();
    }
    book.add(record);
    if (book.size > most) giveUp(`there is no memory to judge more than ${most} calls`);
    tell({ kind: 'record', record });
  });
  // k6 works out the right answers before its first call, which takes seconds.
  await unlessAborted(Promise.race([flowing, load.ended]), signal).catch(() => {});
  const began = first ?? now();
  tell({ kind: 'load-begins', at: began });
  const watching = new AbortController();
  const watched = watchStates(cluster, clock, states, tell, watching.signal).catch((cause: Error) =>
    giveUp(cause.message),
  );
  const ended = load.ended.then((end) => {
    // Each of its calls may be right, and yet the rest of an event had none to show what it does to them. Who ended it
    // early has given another reason before.
    if (events.length < scenario.events.length && end.state === 'finished')
      giveUp('the load ended before the events did');
    over.abort(new Error('the load ended'));
    tell({ kind: 'load-ends', end });
    return end;
  });
  const stop = AbortSignal.any([signal, over.signal]);
  try {
    for (const [place, step] of scenario.events.entries()) {
      await clock.sleep(step.at, stop);
      const index = place + 1;
      const name = eventName(index, step);
      tell({ kind: 'event-begins', at: now(), index, name, step });
      const { patience = scenario.patience } = step;
      const event = await play(step, index, name, { cluster, clock, now, patience, signal: stop, interrupt: signal });
      events.push(event);
      tell({ kind: 'event-ends', event });
    }
    const least = began + leastLength(scenario.load) - now();
    await clock.sleep(Math.max(events.length > 0 ? plan.deadline + tail : 0, least), stop);
  } catch (cause) {
    if (!stop.aborted) throw cause;
  } finally {
    watching.abort();
    await Promise.all([endLoad(load, ended, plan.deadline + stopGrace, clock), watched]);
  }
  const end = await ended;
  return {
    scenario,
    plan,
    generator: generator.name,
    began,
    ended: now(),
    events,
    states,
    samples: book.samples,
    dropped: book.dropped,
    contradictions: book.contradictions,
    load: end,
    incidents: cluster.incidents(),
    usage: cluster.usage(),
    environment: cluster.environment(),
    interrupted: signal.aborted ? String((signal.reason as Error | undefined)?.message ?? signal.reason) : gaveUp,
  };
}

interface PlayOptions {
  cluster: Cluster;
  clock: Clock;
  now: () => number;
  patience: number;
  /** Ends the waiting for the event to settle: the run is over. */
  signal: AbortSignal;
  /** Ends the waiting for the deed itself: the user is waiting. */
  interrupt: AbortSignal;
}

/** Does it, and waits until it has settled. What goes wrong is part of the record, not an exception. */
async function play(step: Step, index: number, name: string, options: PlayOptions): Promise<PlayedEvent> {
  const { cluster, clock, now, patience, signal } = options;
  const ordered = now();
  let deed: Deed;
  try {
    deed = await unlessAborted(order(step, options), options.interrupt);
  } catch (cause) {
    const problem = `could not be done: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { index, name, step, at: ordered, settledAt: undefined, deed: undefined, problem };
  }
  const deadline = now() + patience;
  const done = { index, name, step, at: deed.at, deed };
  for (;;) {
    let missing: string | undefined;
    try {
      missing = unsettled(step, deed, cluster.state());
    } catch (cause) {
      return { ...done, settledAt: undefined, problem: (cause as Error).message };
    }
    if (missing === undefined) return { ...done, settledAt: now(), problem: undefined };
    if (now() >= deadline) {
      return { ...done, settledAt: undefined, problem: `not settled within ${patience / 1000} s: ${missing}` };
    }
    try {
      await clock.sleep(statePeriod, signal);
    } catch {
      return { ...done, settledAt: undefined, problem: `the run ended before it had settled: ${missing}` };
    }
  }
}

/** The work's result, or the signal's reason; the work itself ends when the cluster is closed. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function watchStates(
  cluster: Cluster,
  clock: Clock,
  states: ClusterState[],
  tell: (moment: Moment) => void,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const state = sharing(cluster.state(), states.at(-1));
    states.push(state);
    tell({ kind: 'state', state });
    try {
      await clock.sleep(statePeriod, signal);
    } catch {
      // Once more, so that the record's last state is that of the end.
      states.push(cluster.state());
      return;
    }
  }
}

/** Tells the load to stop; kills it when it does not. */
async function endLoad(load: RunningLoad, ended: Promise<LoadEnd>, grace: number, clock: Clock): Promise<void> {
  load.stop();
  const waiting = new AbortController();
  const late = clock.sleep(grace, waiting.signal).then(
    () => load.kill(),
    () => {},
  );
  await ended;
  waiting.abort();
  await late;
}
