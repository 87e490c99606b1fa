/** What load is played: one description, read by k6 and by our own generator. */

/** The rate goes from where it is to `target` calls/s, evenly, within `duration` ms. */
export interface Stage {
  target: number;
  duration: number;
}

/** Open model: calls are due at their times whether or not earlier ones were answered. Shows that nothing is lost. */
export interface ProofLoad {
  kind: 'proof';
  /** Calls/s at the start. */
  startRate: number;
  stages: readonly Stage[];
}

/** Closed model: each user calls again as soon as it is answered. Shows what the servers can do. */
export interface CapacityLoad {
  kind: 'capacity';
  users: number;
  /** ms */
  duration: number;
}

export interface LoadPlan {
  load: ProofLoad | CapacityLoad;
  /** Base URL of a gateway. */
  url: string;
  /** Prefix of the calls' ids: `<run>-<index>`. */
  run: string;
  /** pi(n) .. pi(n + 6) are asked for in turn: an answer that belongs to another call shows as a wrong one. */
  n: number;
  /** Share of calls of the method `append`, which must not run twice: 0..1. */
  unsafe: number;
  /** How long a call may take, ms. */
  deadline: number;
}

/** Different values of n in turn. */
export const spreadOfN = 7;

/** One call of a plan. */
export interface PlannedCall {
  id: string;
  method: 'pi' | 'append';
  unsafe: boolean;
  input: number | string;
}

/** The call of that index, from 0. The same for k6 (loadtest/pi.ts) and our own generator. */
export function plannedCall(plan: Pick<LoadPlan, 'run' | 'n' | 'unsafe'>, index: number): PlannedCall {
  const id = `${plan.run}-${index}`;
  const unsafe = plan.unsafe > 0 && Math.floor((index + 1) * plan.unsafe) > Math.floor(index * plan.unsafe);
  return unsafe
    ? { id, method: 'append', unsafe, input: id }
    : { id, method: 'pi', unsafe, input: plan.n + (index % spreadOfN) };
}

/** The index within an id of this run. Undefined for any other text. */
export function indexOf(run: string, id: string): number | undefined {
  if (!id.startsWith(`${run}-`)) return undefined;
  const text = id.slice(run.length + 1);
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** How many calls are due within the first `ms`. */
export function dueWithin(load: ProofLoad, ms: number): number {
  let due = 0;
  let rate = load.startRate;
  let left = Math.max(0, ms);
  for (const stage of load.stages) {
    const part = Math.min(left, stage.duration);
    const reached = stage.duration === 0 ? stage.target : rate + ((stage.target - rate) * part) / stage.duration;
    due += ((rate + reached) / 2) * (part / 1000);
    left -= part;
    rate = reached;
    if (left <= 0) break;
  }
  // A product of decimals such as 0.1 * 30 may end just under a whole number.
  return Math.floor(due + 1e-6);
}

/**
 * When the calls are due, ms from the start, in order: each where the area under the rate reaches the next whole number,
 * which is how k6 spaces its iterations.
 */
export function* dueTimes(load: ProofLoad): Generator<number> {
  let begin = 0;
  let done = 0;
  let rate = load.startRate;
  let index = 1;
  for (const stage of load.stages) {
    const seconds = stage.duration / 1000;
    const slope = seconds === 0 ? 0 : (stage.target - rate) / seconds;
    const area = ((rate + stage.target) / 2) * seconds;
    for (; index <= done + area + 1e-6; index++) {
      const wanted = index - done;
      // The root of slope/2 t^2 + rate t = wanted, in the form that stays exact when the slope is nearly nothing.
      const root = Math.sqrt(Math.max(0, rate * rate + 2 * slope * wanted));
      yield begin + Math.min(seconds, (2 * wanted) / (rate + root)) * 1000;
    }
    done += area;
    begin += stage.duration;
    rate = stage.target;
  }
}

/** How long the load lasts when nobody stops it, ms. */
export function lengthOf(load: ProofLoad | CapacityLoad): number {
  return load.kind === 'capacity' ? load.duration : load.stages.reduce((sum, stage) => sum + stage.duration, 0);
}

/**
 * The most calls that may be without an answer at once, as in loadtest/pi.ts: those of a whole deadline. What is due above
 * it is dropped, and judged.
 */
export function concurrency(plan: Pick<LoadPlan, 'load' | 'deadline'>): number {
  const { load, deadline } = plan;
  if (load.kind === 'capacity') return load.users;
  const highest = Math.max(load.startRate, ...load.stages.map((stage) => stage.target));
  return Math.ceil(Math.max(20, highest * (deadline / 1000 + 1)));
}
