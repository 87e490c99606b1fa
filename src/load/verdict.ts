import { type Audit, audit, type Flaw, type JudgedCall } from './audit.ts';
import { type Capacity, capacity } from './capacity.ts';
import type { Proof } from './cluster.ts';
import { describeGap } from './doubt.ts';
import { type Effects, effects } from './effects.ts';
import type { PlayedEvent, Recording } from './recording.ts';
import { latency } from './sample.ts';
import { eventName } from './scenario.ts';
import { quantile, sorted } from './statistics.ts';
import { bad, callProblems, type Tally, tally } from './tally.ts';
import { type PodUsage, usageOf, usageProblems, type Work } from './usage.ts';

/** ms; undefined where there were no calls. */
export interface P99 {
  /** The 3 s before the event. */
  before: number | undefined;
  /** Calls alive at any moment between the event and its settling. */
  during: number | undefined;
  /** Calls that were due between the settling and the next event. */
  after: number | undefined;
}

export interface EventVerdict {
  event: PlayedEvent;
  ok: boolean;
  /** Calls that ended between this event and the next. */
  tally: Tally;
  p99: P99;
  effects: Effects;
  /** How we know that it happened: what the cluster looked at, and the calls that were in flight. */
  proof: readonly Proof[];
  /** Why it is not ok, a sentence each. */
  problems: readonly string[];
}

/**
 * `unfinished`: the run was ended early and until then nothing is known against it: less than a proof, and no failure of what
 * was under test.
 */
export type Outcome = 'passed' | 'failed' | 'unfinished';

export interface Verdict {
  ok: boolean;
  outcome: Outcome;
  /** What is said of the whole run in one line. */
  headline: string;
  total: Tally;
  p50: number | undefined;
  p99: number | undefined;
  events: readonly EventVerdict[];
  /** Problems with their events; before the first event they belong to the start. */
  problems: readonly { event: string; what: string }[];
  /** Events of the scenario that the run did not come to, by name. */
  unplayed: readonly string[];
  /** What a reader should know, though nothing depended on it. */
  notes: readonly string[];
  /** What the servers could do, if that was what the load asked. */
  capacity: Capacity | undefined;
  /** What pods took that were there for minutes, in the order in which they came. */
  usage: readonly PodUsage[];
}

const beforeWindow = 3000;
const start = 'the start';

/** Judges a run: calls by comparison of the books, events by the calls around them and by the proof that they happened. */
export function judge(recording: Recording): Verdict {
  const books = audit(recording);
  const problems: { event: string; what: string }[] = [];
  const events = recording.events.map((event, place) => {
    const verdict = judgeEvent(recording, books, event, recording.events[place + 1]);
    for (const what of verdict.problems) problems.push({ event: event.name, what });
    return verdict;
  });
  const nameAt = (at: number | undefined) => phaseAt(recording.events, at)?.name ?? start;
  const early = books.calls.filter((call) => phaseOf(recording.events, call) === undefined);
  const unsent = recording.dropped.filter(({ at }) => phaseAt(recording.events, at) === undefined);
  for (const what of callProblems(early, unsent)) problems.push({ event: start, what });
  for (const { at, what } of books.flaws) {
    // A flaw without a time taints the whole run; one with a time is told with its event above, or is the start's.
    if (at === undefined) problems.push({ event: 'the whole run', what });
    else if (phaseAt(recording.events, at) === undefined) problems.push({ event: start, what });
  }
  for (const { at, what } of recording.incidents) problems.push({ event: nameAt(at), what });
  const usage = usageOf(recording.usage, (from, until) => workIn(recording, from, until));
  const grown = usageProblems(usage);
  for (const what of [...grown, ...missing(recording)]) problems.push({ event: 'the whole run', what });

  const latencies = sorted(books.calls.flatMap(({ sample }) => latency(sample) ?? []));
  const total = tally(books.calls, recording.dropped);
  const ok = problems.length === 0;
  const harmless = [...recording.incidents, ...books.flaws, ...grown].length === 0 && harmlessEvents(events);
  const isUnfinished =
    recording.interrupted !== undefined && harmless && [...bad, 'dropped' as const].every((word) => total[word] === 0);
  const outcome: Outcome = ok ? 'passed' : isUnfinished ? 'unfinished' : 'failed';
  return {
    ok,
    outcome,
    headline: headline(outcome, total, problems),
    total,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    events,
    problems,
    unplayed: unplayed(recording),
    notes: notes(recording, books),
    capacity: capacity(recording),
    usage,
  };
}

function workIn({ states, samples }: Recording, from: number, until: number): Work {
  const within = (at: number) => at >= from && at <= until;
  const ready = states.filter(({ at }) => within(at)).map(({ ready }) => ready);
  const calls = samples.filter(({ sent }) => within(sent)).length;
  return {
    servers: ready.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY),
    rate: calls / (until - from),
  };
}

/** Nothing is known against any event. Of one in whose middle the run was ended nobody can say whether it happened as ordered. */
function harmlessEvents(events: readonly EventVerdict[]): boolean {
  return events.every(({ ok, event }, place) => ok || (place === events.length - 1 && event.settledAt === undefined));
}

/** Missing notes on which no call depended. */
function notes({ gaps, began }: Recording, { calls }: Audit): string[] {
  const needed = new Set(calls.filter(({ judgement }) => judgement === 'unverified').map(({ why }) => why));
  return gaps
    .map((gap) => describeGap(gap, began))
    .filter((what) => ![...needed].some((why) => why.endsWith(what)))
    .map((what) => `${what}; no call depended on them`);
}

function judgeEvent(
  recording: Recording,
  books: Audit,
  event: PlayedEvent,
  next: PlayedEvent | undefined,
): EventVerdict {
  const until = next?.at ?? Number.POSITIVE_INFINITY;
  const within = (at: number | undefined) => at !== undefined && at >= event.at && at < until;
  const calls = books.calls.filter((call) => phaseOf(recording.events, call) === event);
  const unsent = recording.dropped.filter(({ at }) => within(at));
  const seen = effects(recording, event, until);
  const proof = [...(event.deed?.proof ?? []), ...seen.proof];
  const problems = [
    ...(event.problem === undefined ? [] : [event.problem]),
    ...proof.filter(({ holds }) => !holds).map(({ what }) => `the event did not happen as ordered: not so: ${what}`),
    ...callProblems(calls, unsent),
    ...books.flaws.filter(({ at }: Flaw) => within(at)).map(({ what }) => what),
    ...seen.problems,
  ];
  return {
    event,
    ok: problems.length === 0 && !recording.incidents.some(({ at }) => within(at)),
    tally: tally(calls, unsent),
    p99: p99Around(books.calls, event, until),
    effects: seen,
    proof,
    problems,
  };
}

/** The event that was the last to begin by then. */
function phaseAt(events: readonly PlayedEvent[], at: number | undefined): PlayedEvent | undefined {
  return at === undefined ? undefined : events.findLast((event) => event.at <= at);
}

/** A call belongs to the event in whose time it ended; without an end, in whose time it was due. */
function phaseOf(events: readonly PlayedEvent[], { sample }: JudgedCall): PlayedEvent | undefined {
  return phaseAt(events, sample.end?.at ?? sample.intended);
}

function p99Around(calls: readonly JudgedCall[], event: PlayedEvent, until: number): P99 {
  const settled = event.settledAt ?? until;
  const p99 = (choose: (intended: number, ended: number) => boolean) =>
    quantile(
      sorted(
        calls.flatMap(({ sample }) =>
          sample.end !== undefined && choose(sample.intended, sample.end.at) ? latency(sample)! : [],
        ),
      ),
      0.99,
    );
  return {
    before: p99((_, ended) => ended >= event.at - beforeWindow && ended < event.at),
    during: p99((intended, ended) => ended >= event.at && intended <= settled && intended < until),
    after: p99((intended) => intended > settled && intended < until),
  };
}

/** What the scenario wanted and the run did not come to. */
function missing(recording: Recording): string[] {
  const { scenario, interrupted, executions } = recording;
  const names = unplayed(recording);
  return [
    ...(interrupted === undefined ? [] : [`the run was interrupted: ${interrupted}`]),
    ...(names.length > 0 ? [`${names.length} of ${scenario.events.length} events were not played`] : []),
    ...(executions === undefined ? ["the handlers' books are missing: only half of the comparison could be made"] : []),
  ];
}

function unplayed({ scenario, events }: Recording): string[] {
  return scenario.events.map((step, place) => eventName(place + 1, step)).slice(events.length);
}

function headline(outcome: Outcome, total: Tally, problems: Verdict['problems']): string {
  const calls = `${total.calls.toLocaleString('en')} calls`;
  const unknown =
    total.unknown === 0 ? '' : `; ${total.unknown} that may not be sent again ended as unknown, and said so`;
  if (outcome === 'passed') return `${calls}, 0 lost, 0 wrong, 0 run twice${unknown}`;
  const events = [...new Set(problems.map(({ event }) => event))].join(', ');
  if (outcome === 'unfinished') return `${calls}, 0 lost until it was ended early${unknown}: see ${events}`;
  const counts = ([...bad, 'dropped'] as const).filter((word) => total[word] > 0);
  return `${calls}, ${counts.length > 0 ? counts.map((word) => `${total[word]} ${word}`).join(', ') : '0 lost, but not proven'}: see ${events}`;
}
