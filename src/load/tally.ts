import type { JudgedCall, Judgement } from './audit.ts';
import type { Recording } from './recording.ts';

/** Calls by what became of them. */
export interface Tally {
  calls: number;
  right: number;
  lost: number;
  wrong: number;
  doubled: number;
  unknown: number;
  unverified: number;
  cut: number;
  /** Calls that were sent to servers more than once. */
  retried: number;
  /** Calls that were due and never sent. */
  dropped: number;
}

/** Counts calls, and those that were never sent. */
export function tally(calls: readonly JudgedCall[], dropped: Recording['dropped']): Tally {
  const of = (word: Judgement) => calls.filter(({ judgement }) => judgement === word).length;
  return {
    calls: calls.length,
    right: of('right'),
    lost: of('lost'),
    wrong: of('wrong'),
    doubled: of('doubled'),
    unknown: of('unknown'),
    unverified: of('unverified'),
    cut: of('cut'),
    retried: calls.filter(({ sample }) => (sample.end?.attempts ?? 1) > 1).length,
    dropped: dropped.reduce((sum, { count }) => sum + count, 0),
  };
}

/** What must not be. */
export const bad = ['lost', 'wrong', 'doubled', 'unverified'] as const;

/** What is wrong with the calls of one event, and with those that were due in its time and never sent. */
export function callProblems(calls: readonly JudgedCall[], unsent: Recording['dropped']): string[] {
  const dropped = unsent.reduce((sum, { count }) => sum + count, 0);
  const judged = bad.flatMap((word) => {
    const those = calls.filter(({ judgement }) => judgement === word);
    if (those.length === 0) return [];
    const reasons = Object.entries(Object.groupBy(those, ({ why }) => why))
      .sort(([, a], [, b]) => b!.length - a!.length)
      .slice(0, 3)
      .map(([why, group]) => `${group!.length} x ${why}, e.g. ${group![0]!.sample.id}`);
    return [`${those.length} ${those.length === 1 ? 'call' : 'calls'} ${word} (${reasons.join('; ')})`];
  });
  if (dropped === 0) return judged;
  return [
    ...judged,
    `${dropped} ${dropped === 1 ? 'call was' : 'calls were'} due and never sent: too many had no answer`,
  ];
}
