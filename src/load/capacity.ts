import type { ClusterState } from './cluster.ts';
import { commonView } from './gateways.ts';
import type { Recording } from './recording.ts';
import { latency } from './sample.ts';
import { quantile, sorted } from './statistics.ts';

/** A stretch of time with always the same servers, all of them well and with their whole weight, and nothing being done. */
export interface Plateau {
  /** ms since 1970 */
  from: number;
  until: number;
  servers: number;
  /** Right answers a second. */
  rate: number;
  /** Latency of the calls that ended in it, ms; undefined when none did. */
  p50: number | undefined;
  p99: number | undefined;
}

/** What so many servers could do: all plateaus of that height together. */
export interface CapacityPoint {
  servers: number;
  rate: number;
  /** The rate of one server here, as a part of the rate of one server with the fewest servers: 1 = the ideal. */
  efficiency: number;
  /** How long it was measured, ms. */
  length: number;
}

export interface Capacity {
  plateaus: readonly Plateau[];
  /** The fewest servers first. */
  points: readonly CapacityPoint[];
  /** With so many servers the efficiency was under 0.9 first: there the machines were full. Undefined if it never was. */
  fullFrom: number | undefined;
}

/** The first calls find connections that are still being made, and cold compilers, ms. A scenario may wait longer: by its baselines. */
const warmUp = 3000;
/** By then a newcomer has its whole weight, or is too busy to keep it, ms. */
const longestSlowStart = 8000;
/** Less is no figure, ms. */
const shortest = 2000;
/** Under this the machines are full. */
export const wantedEfficiency = 0.9;

/** How throughput followed the servers. Undefined unless the load was of users who call without a pause. */
export function capacity(recording: Recording): Capacity | undefined {
  if (recording.scenario.load.kind !== 'capacity') return undefined;
  const plateaus = quietStretches(recording).map((stretch) => measured(recording, stretch));
  const points = pointsOf(plateaus);
  const fullFrom = points.find(({ efficiency }) => efficiency < wantedEfficiency)?.servers;
  return { plateaus, points, fullFrom };
}

type Stretch = Pick<Plateau, 'from' | 'until' | 'servers'>;

/** Runs of states with the same number of ready servers, between the events; of these the baselines alone, where there are any. */
function quietStretches(recording: Recording): Stretch[] {
  const { states, events, ended } = recording;
  const disturbed = events
    .filter(({ step }) => step.do !== 'baseline' && step.do !== 'hpa')
    .map(({ at, settledAt }) => ({ at, until: settledAt ?? ended }));
  const stretches: Stretch[] = [];
  let [current, since]: [Stretch?, number?] = [];
  for (const [index, state] of states.entries()) {
    const quiet = isSteady(state) && !disturbed.some(({ at, until }) => state.at >= at && state.at < until);
    if (!quiet || state.ready !== states[index - 1]?.ready) [current, since] = [undefined, undefined];
    if (!quiet) continue;
    since ??= state.at;
    if (current !== undefined) current.until = state.at;
    // That one of them falters later is a part of what they can do.
    else if (hasWholeWeight(state) || state.at - since >= longestSlowStart) {
      current = { from: state.at, until: state.at, servers: state.ready };
      stretches.push(current);
    }
  }
  const windows = windowsOf(recording);
  return stretches
    .flatMap((stretch) =>
      windows.map(({ at, until }) => ({
        ...stretch,
        from: Math.max(stretch.from, at),
        until: Math.min(stretch.until, until),
      })),
    )
    .filter(({ from, until }) => until - from >= shortest);
}

/** When it is measured. */
function windowsOf({ events, began, ended }: Recording): { at: number; until: number }[] {
  const baselines = events.filter(({ step }) => step.do === 'baseline');
  if (baselines.length === 0) return [{ at: began + warmUp, until: ended }];
  return baselines.map(({ at, settledAt }) => ({ at, until: settledAt ?? ended }));
}

/** As many as are wanted are ready, and the gateways call or at least know them. */
function isSteady(state: ClusterState): boolean {
  return state.ready > 0 && state.ready === state.desired && commonView(state).length >= state.ready;
}

function hasWholeWeight(state: ClusterState): boolean {
  const live = commonView(state).filter((node) => node.state === 'live');
  return live.length === state.ready && live.every(({ weight, base }) => weight >= base);
}

function measured({ samples }: Recording, stretch: Stretch): Plateau {
  const { from, until } = stretch;
  const ended = samples.filter(({ end }) => end !== undefined && end.at >= from && end.at < until);
  const latencies = sorted(ended.map((sample) => latency(sample)!));
  const right = ended.filter(({ end }) => end!.outcome === 'ok').length;
  return {
    ...stretch,
    rate: right / ((until - from) / 1000),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

function pointsOf(plateaus: readonly Plateau[]): CapacityPoint[] {
  const groups = [...Map.groupBy(plateaus, ({ servers }) => servers)].sort(([a], [b]) => a - b);
  const points = groups.map(([servers, group]) => {
    const length = group.reduce((sum, { from, until }) => sum + until - from, 0);
    const answers = group.reduce((sum, { from, until, rate }) => sum + rate * (until - from), 0);
    return { servers, rate: answers / length, length };
  });
  const [least] = points;
  if (least === undefined) return [];
  const ideal = least.rate / least.servers;
  return points.map((point) => ({ ...point, efficiency: ideal === 0 ? 0 : point.rate / point.servers / ideal }));
}
