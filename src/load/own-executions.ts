import type { Execution } from './ledger.ts';
import { indexOf } from './plan.ts';
import type { Recording } from './recording.ts';
import type { Sample } from './sample.ts';

/** By how much a process's clock may be behind that of the callers, ms. */
interface Behind {
  least: number;
  most: number;
}

/**
 * What handlers wrote of the calls of this run, and of no earlier one on the same servers: told by the calls' ids, since clocks
 * differ. Times are put right to the callers' clock: a server's may be a few ms behind it, or hours, where its machine slept. No call
 * begins before it is sent, or ends after its answer has come. A process's times are moved by the least with which that is so. They
 * come in the order in which they began.
 */
export function ownExecutions(
  executions: readonly Execution[],
  { plan, samples }: Pick<Recording, 'plan' | 'samples'>,
): Execution[] {
  const own = executions.filter(({ id }) => indexOf(plan.run, id) !== undefined);
  const bounds = new Map<string, Behind>();
  const byId = new Map(samples.map((sample) => [sample.id, sample]));
  for (const execution of own) {
    const sample = byId.get(execution.id);
    if (sample !== undefined) narrow(behindOf(bounds, execution), execution, sample);
  }
  return own
    .map((execution) => moved(execution, shiftOf(behindOf(bounds, execution))))
    .sort((a, b) => a.began - b.began);
}

/** Of the process that wrote it down: it has read its clock once, at its start. */
function behindOf(bounds: Map<string, Behind>, { writer: { server, pid } }: Execution): Behind {
  const key = `${server} ${pid}`;
  let behind = bounds.get(key);
  if (behind === undefined) {
    behind = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };
    bounds.set(key, behind);
  }
  return behind;
}

function narrow(behind: Behind, { began, ended }: Execution, { sent, end }: Sample): void {
  behind.least = Math.max(behind.least, sent - began);
  // Of a call that was sent more than once, the answer may have come from elsewhere, and earlier.
  if (ended === undefined || end?.outcome !== 'ok' || end.attempts !== 1) return;
  behind.most = Math.min(behind.most, end.at - ended);
}

function shiftOf({ least, most }: Behind): number {
  return Math.max(least, Math.min(most, 0));
}

function moved(execution: Execution, ms: number): Execution {
  if (ms === 0 || !Number.isFinite(ms)) return execution;
  const { began, ended } = execution;
  return { ...execution, began: began + ms, ended: ended === undefined ? undefined : ended + ms };
}
