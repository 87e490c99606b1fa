/** From the record of each call to what is told of a run. Pure. */
import { quantile, sorted } from '../../src/load/statistics.ts';
import { round } from '../spread.ts';

export interface CallRecord {
  /** When it was due, ms from the first call that counts. Latency counts from here. */
  intended: number;
  /** When it came to an end; `undefined` if it had none when the driver gave up waiting. */
  ended: number | undefined;
  /** `right`, `wrong` (an answer, but not the right one), or what the error said. */
  outcome: string;
  /** The process that answered. */
  pid: number | undefined;
}

export interface Summary {
  calls: number;
  /** Calls without the right answer within the deadline, counted from when they were due. */
  lost: number;
  /** Calls that took longer, however they ended. One without an end took for ever. */
  over400: number;
  over1000: number;
  /** ms; of all calls, however they ended. `undefined` for no calls; `null` for calls without an end, as JSON has it. */
  p50: number | null | undefined;
  p99: number | null | undefined;
  max: number | null | undefined;
}

/** A part of the run, and what became of the calls that were due in it. */
export interface Part extends Summary {
  name: string;
  /** ms from the first call that counts. */
  from: number;
  /** What was said of the lost ones, and how often: most often first. */
  reasons: Record<string, number>;
}

export const latency = ({ intended, ended }: CallRecord): number =>
  ended === undefined ? Number.POSITIVE_INFINITY : ended - intended;

/** @param deadline ms */
export function isLost(call: CallRecord, deadline: number): boolean {
  return call.outcome !== 'right' || latency(call) > deadline;
}

/** @param deadline ms */
export function judge(calls: readonly CallRecord[], deadline: number): Summary {
  const latencies = sorted(calls.map(latency));
  const longer = (ms: number) => latencies.filter((value) => value > ms).length;
  const at = (q: number) => {
    const value = quantile(latencies, q);
    return value === undefined ? undefined : value === Number.POSITIVE_INFINITY ? null : round(value);
  };
  return {
    calls: calls.length,
    lost: calls.filter((call) => isLost(call, deadline)).length,
    over400: longer(400),
    over1000: longer(1_000),
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
}

/**
 * The run by what happened in it. A call belongs to the part in which it was due.
 *
 * @param starts when each part began, in order; it ends where the next one begins
 */
export function judgeParts(
  calls: readonly CallRecord[],
  deadline: number,
  starts: readonly { name: string; from: number }[],
): Part[] {
  return starts.map(({ name, from }, index) => {
    const to = starts[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    const part = calls.filter(({ intended }) => intended >= from && intended < to);
    return { name, from: Math.round(from), ...judge(part, deadline), reasons: reasons(part, deadline) };
  });
}

function reasons(calls: readonly CallRecord[], deadline: number): Record<string, number> {
  const counts = new Map<string, number>();
  for (const call of calls) {
    if (!isLost(call, deadline)) continue;
    const reason = call.outcome === 'right' ? 'the right answer, too late' : call.outcome;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
