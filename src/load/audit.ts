import { Doubt, describeGap } from './doubt.ts';
import type { Execution } from './ledger.ts';
import { indexOf } from './plan.ts';
import type { PlayedEvent, Recording } from './recording.ts';
import { latency, type Sample } from './sample.ts';

/**
 * The books compared, call by call: what the caller wrote down against what the handlers did.
 *
 * - `right`: the right answer within the deadline.
 * - `lost`: anything less: an error, silence, too late, or an answer that no handler worked out.
 * - `wrong`: an answer that is not the right one.
 * - `doubled`: a call that must not run twice, and did.
 * - `unknown`: such a call ended in an error that said "it may have run", and it ran at most once: the promise's exception.
 *   Only while a server was killed or frozen: one that goes in order, or merely comes, leaves no call in doubt.
 * - `unverified`: nothing is known against it, but handlers' notes are missing that would show whether it ran as it should.
 * - `cut`: in flight, within its deadline, when the load was told to stop: not judged. The load goes on after the last event for so
 *   long that no call of an event is.
 */
export type Judgement = 'right' | 'lost' | 'wrong' | 'doubled' | 'unknown' | 'unverified' | 'cut';

export interface JudgedCall {
  sample: Sample;
  judgement: Judgement;
  /** Why, when it is not right. */
  why: string;
  /** How often handlers began it; undefined without their books. */
  executions: number | undefined;
}

export interface Audit {
  calls: readonly JudgedCall[];
  /** What is wrong with the books themselves; with any of these nothing is proven. */
  flaws: readonly Flaw[];
}

export interface Flaw {
  /** When, if it has a time. */
  at: number | undefined;
  what: string;
}

/**
 * Whether it was in flight when the load was told to stop, with time left to be answered: nothing can be said of it. One whose
 * deadline was over had no answer when it should have had one.
 */
export function wasCut({ sent, end }: Sample, { load, plan }: Pick<Recording, 'load' | 'plan'>): boolean {
  if (end !== undefined || load.state !== 'finished' || load.cutAt === undefined) return false;
  return load.cutAt - sent < plan.deadline;
}

type Audited = Pick<
  Recording,
  'samples' | 'executions' | 'gaps' | 'states' | 'began' | 'load' | 'plan' | 'contradictions' | 'dropped' | 'events'
>;

/** Compares the books. */
export function audit(recording: Audited): Audit {
  const { samples, executions, gaps, states, began, plan } = recording;
  const byId = executions === undefined ? undefined : groupById(executions);
  const violence = recording.events.filter(({ step }) => step.do === 'kill' || step.do === 'freeze');
  const doubt = new Doubt(gaps, states);
  const calls = samples.map((sample): JudgedCall => {
    const count = byId === undefined ? undefined : (byId.get(sample.id)?.length ?? 0);
    const gap = doubt.about(sample);
    const [judgement, why] = judgeCall(sample, {
      executions: count,
      violence: violence.some((event) => wasInFlight(sample, event)),
      missing: gap && describeGap(gap, began),
      cut: wasCut(sample, recording),
      deadline: plan.deadline,
    });
    return { sample, judgement, why, executions: count };
  });
  return { calls, flaws: [...flawsOfLoad(recording), ...foreignExecutions(samples, executions)] };
}

interface Circumstances {
  executions: number | undefined;
  /** A server was killed or frozen while it was in flight. */
  violence: boolean;
  /** Notes of handlers that may have run it and are missing, in words. */
  missing: string | undefined;
  cut: boolean;
  deadline: number;
}

function judgeCall(sample: Sample, circumstances: Circumstances): [Judgement, string] {
  const { executions, violence, missing, cut, deadline } = circumstances;
  const { end, unsafe } = sample;
  if (unsafe && executions !== undefined && executions > 1) return ['doubled', `it ran ${executions} times`];
  if (end === undefined) {
    if (cut) return ['cut', 'in flight when the load was stopped'];
    return ['lost', 'the caller wrote down no end of it'];
  }
  if (end.outcome === 'WRONG') return ['wrong', 'the answer was not the right one'];
  if (end.outcome !== 'ok') {
    if (!unsafe || !end.mayHaveExecuted) return ['lost', end.outcome];
    if (!violence) return ['lost', `${end.outcome}; it may have run, though no server was killed or frozen under it`];
    return missing === undefined ? ['unknown', end.outcome] : ['unverified', `${end.outcome}; ${missing}`];
  }
  const took = Math.min(latency(sample)!, end.at - sample.sent);
  if (took > deadline) return ['lost', `the answer came after ${Math.round(took)} ms, the deadline was ${deadline} ms`];
  // A safe call that a handler wrote down may have run once more, unseen: that is its right.
  if (missing !== undefined && (unsafe || executions === 0)) return ['unverified', missing];
  if (executions === 0) return ['lost', 'there was an answer, but no handler wrote the call down'];
  return ['right', ''];
}

/** True if the call was in flight at some moment from the event to its settling. */
function wasInFlight({ sent, end }: Sample, { at, settledAt }: PlayedEvent): boolean {
  return sent <= (settledAt ?? Number.POSITIVE_INFINITY) && (end?.at ?? Number.POSITIVE_INFINITY) >= at;
}

function groupById(executions: readonly Execution[]): Map<string, Execution[]> {
  const groups = new Map<string, Execution[]>();
  for (const execution of executions) {
    const group = groups.get(execution.id);
    if (group === undefined) groups.set(execution.id, [execution]);
    else group.push(execution);
  }
  return groups;
}

/** A generator that died, or left gaps in its numbering, did not offer the load that was to be survived. */
function flawsOfLoad({ load, dropped, samples, contradictions, plan }: Audited): Flaw[] {
  const flaws: Flaw[] = contradictions.map((what) => ({ at: undefined, what }));
  if (load.state === 'died') flaws.push({ at: load.at, what: `the load generator ended before its time: ${load.how}` });
  else {
    const sent = samples.length + dropped.reduce((sum, { count }) => sum + count, 0);
    const { due } = load.record;
    if (sent !== due) flaws.push({ at: undefined, what: `${due} calls were due, ${sent} are written down` });
  }
  const gap = firstGap(samples, plan.run);
  if (gap !== undefined)
    flaws.push({ at: gap.at, what: `call number ${gap.index} is missing from the caller's books` });
  if (samples.length === 0) flaws.push({ at: undefined, what: 'not one call was sent' });
  return flaws;
}

function firstGap(samples: readonly Sample[], run: string): { index: number; at: number } | undefined {
  const numbered = samples
    .map((sample) => ({ index: indexOf(run, sample.id) ?? -1, at: sample.intended }))
    .sort((a, b) => a.index - b.index);
  const gap = numbered.findIndex((entry, place) => entry.index !== place);
  return gap < 0 ? undefined : { index: gap, at: numbered[gap]!.at };
}

function foreignExecutions(samples: readonly Sample[], executions: readonly Execution[] | undefined): Flaw[] {
  const sent = new Set(samples.map(({ id }) => id));
  const foreign = (executions ?? []).filter(({ id }) => !sent.has(id));
  if (foreign.length === 0) return [];
  return [
    {
      at: foreign[0]!.began,
      what: `handlers ran ${foreign.length} calls that the caller did not write down, the first is ${foreign[0]!.id}`,
    },
  ];
}
