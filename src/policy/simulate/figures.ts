import { type Result, type ServerRecord, step } from './recorder.ts';
import type { Scenario } from './scenario.ts';

/** What several runs of a scenario come to, which differ in their seed alone. */
export interface Figures {
  readonly scenario: string;
  readonly policy: string;
  readonly rate: number;
  readonly runs: number;
  readonly calls: number;
  readonly lost: number;
  /** Calls in a hurry that got no answer in time, of how many. */
  readonly late: number;
  readonly hasty: number;
  readonly attempts: number;
  readonly wasted: number;
  readonly retries: number;
  readonly hedges: number;
  readonly panics: number;
  /** Of the calls that were answered, ms. */
  readonly p50: number;
  readonly p99: number;
  /** The most that any server got over its fair share; where the scenario says when, in the median run. */
  readonly hottest: number;
  /** Time until a server that is well again has 80 % of its fair share, ms: the slowest one. Absent: not before the end. */
  readonly fairAfter?: number;
}

/** A newcomer is expected to carry its share after this, ms: until then the others carry theirs as before. */
const settling = 10_000;
/** A fair share of fewer calls than this says more about chance than about a policy. */
const enough = 30;
/** Of the fair share. */
const fairEnough = 0.8;
/** Width of the windows that a fair share is looked for in, ms. */
const fairWindow = 1_000;

export function figuresOf(scenario: Scenario, results: readonly Result[]): Figures {
  const [first] = results;
  if (first === undefined) throw new RangeError('no runs, no figures');
  const sum = (pick: (result: Result) => number) => results.reduce((all, result) => all + pick(result), 0);
  const latencies = Float64Array.from(results.flatMap((result) => [...result.latencies])).sort();
  const pooled = pool(results);
  const fairAfter = slowest(scenario, pooled);
  const calls = sum((result) => result.calls);
  return {
    ...{ scenario: scenario.name, policy: first.policy, rate: first.rate, runs: results.length, calls },
    lost: sum((result) => result.lost),
    late: sum((result) => result.hasty.late),
    hasty: sum((result) => result.hasty.calls),
    attempts: sum((result) => result.attempts),
    wasted: sum((result) => result.wasted),
    retries: sum((result) => result.retries),
    hedges: sum((result) => result.hedges),
    panics: sum((result) => result.panics),
    p50: rounded(quantile(latencies, 0.5)),
    p99: rounded(quantile(latencies, 0.99)),
    hottest: rounded(
      scenario.hottest === undefined
        ? hottestPooled(pooled, first.rate * results.length)
        : quantile(results.map((result) => hottestIn(result.servers, scenario.hottest!)).sort(), 0.5),
    ),
    ...(fairAfter !== undefined && { fairAfter }),
  };
}

/** All runs' servers as if they were one. */
function pool(results: readonly Result[]): ServerRecord[] {
  return results[0]!.servers.map((server, place) => {
    const attempts = new Float64Array(server.attempts.length);
    for (const result of results)
      for (let i = 0; i < attempts.length; i++) attempts[i]! += result.servers[place]!.attempts[i]!;
    return { ...server, attempts };
  });
}

/** Windows of a second; or wider, where the fair share in them would be too few calls. */
function hottestPooled(servers: readonly ServerRecord[], rate: number): number {
  const most = servers.filter(({ serving }) => serving.length > 0).length;
  const width = Math.max(1_000, Math.ceil((enough * most) / rate) * 1_000);
  const end = servers[0]!.attempts.length * step;
  let hottest = 0;
  for (let from = 0; from + width <= end; from += 1_000) {
    hottest = Math.max(hottest, hottestIn(servers, { from, to: from + width }));
  }
  return hottest;
}

/** How many times its fair share the server got that got most, of those that served all the time. */
export function hottestIn(servers: readonly ServerRecord[], { from, to }: { from: number; to: number }): number {
  let hottest = 0;
  const fair = new Map<ServerRecord, number>();
  const got = new Map<ServerRecord, number>();
  for (let at = from; at < to; at += step) {
    const live = servers.filter((server) => serves(server, at));
    const settled = live.filter((server) => isSettled(server, at));
    const calls = live.reduce((sum, server) => sum + attemptsAt(server, at), 0);
    for (const server of live) {
      // In the first second all of them are new.
      const sharers = isSettled(server, at) && settled.length > 0 ? settled.length : live.length;
      fair.set(server, (fair.get(server) ?? 0) + calls / sharers);
      got.set(server, (got.get(server) ?? 0) + attemptsAt(server, at));
    }
  }
  for (const [server, share] of fair) {
    const throughout = serves(server, from) && serves(server, to - step);
    if (throughout && share > 0) hottest = Math.max(hottest, got.get(server)! / share);
  }
  return hottest;
}

function slowest({ recovers, duration }: Scenario, servers: readonly ServerRecord[]): number | undefined {
  let worst: number | undefined = recovers.length === 0 ? undefined : 0;
  for (const { at, servers: ids } of recovers) {
    const group = servers.filter(({ id }) => ids.includes(id));
    const after = fairAfter(group, servers, at, duration);
    if (after === undefined) return undefined;
    worst = Math.max(worst!, after);
  }
  return worst;
}

/** When a group of servers has most of its fair share for a window's length, from a moment on, ms. */
export function fairAfter(
  group: readonly ServerRecord[],
  servers: readonly ServerRecord[],
  at: number,
  duration: number,
): number | undefined {
  for (let from = at; from + fairWindow <= duration; from += step) {
    let [got, fair] = [0, 0];
    for (let i = from; i < from + fairWindow; i += step) {
      const live = servers.filter((server) => serves(server, i));
      const calls = live.reduce((sum, server) => sum + attemptsAt(server, i), 0);
      fair += (calls * group.length) / Math.max(1, live.length);
      got += group.reduce((sum, server) => sum + attemptsAt(server, i), 0);
    }
    if (fair > 0 && got >= fairEnough * fair) return from - at;
  }
  return undefined;
}

export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function serves({ serving }: ServerRecord, at: number): boolean {
  return serving.some(({ from, to }) => from <= at && at < to);
}

/** True if it was there from the start, or long enough. */
function isSettled({ serving }: ServerRecord, at: number): boolean {
  return serving.some(({ from, to }) => from <= at && at < to && (from === 0 || at - from >= settling));
}

function attemptsAt({ attempts }: ServerRecord, at: number): number {
  return attempts[Math.floor(at / step)] ?? 0;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
