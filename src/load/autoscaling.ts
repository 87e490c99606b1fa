import type { ClusterState } from './cluster.ts';
import type { PlayedEvent, Recording } from './recording.ts';

/** How the autoscaler followed the load. Times in ms. */
export interface Autoscaling {
  /** Whether there were to be more servers, or fewer. */
  direction: 'up' | 'down';
  /** When the load it answers began to change, ms since 1970. */
  since: number;
  /** From then to the first server more (or less) that was ready. Undefined if there was none. */
  firstChange: number | undefined;
  /** From then until as many as were expected were ready. Undefined if that never came. */
  reached: number | undefined;
  /** By how many servers it went beyond what was expected, at most. */
  overshoot: number;
}

/** What the autoscaler did for an `hpa` event; undefined for any other. */
export function autoscaling(recording: Recording, event: PlayedEvent): Autoscaling | undefined {
  const { step } = event;
  if (step.do !== 'hpa') return undefined;
  const { states, events } = recording;
  // It may go too far later: while nothing is done it is still the load that it answers.
  const next = events.find(({ index, step }) => index > event.index && step.do !== 'baseline');
  const until = next?.at ?? Number.POSITIVE_INFINITY;
  // It may have answered before the event began: nothing is done in one, so the load changed when it liked.
  const before = events.findLast(({ index }) => index < event.index);
  const from = before === undefined ? recording.began : (before.settledAt ?? before.at);
  const initial = lastBy(states, from)?.ready ?? 0;
  const way = step.to >= initial ? 1 : -1;
  const answered = states.find(({ at, desired }) => at >= from && at < until && way * (desired - initial) > 0)?.at;
  const since = changeOfLoad(recording, from, answered ?? until, way) ?? event.at;
  const there = lastBy(states, since)?.ready ?? initial;
  const after = states.filter(({ at }) => at >= since && at < until);
  const beyond = after.map(({ desired, ready }) => Math.max(way * (desired - step.to), way * (ready - step.to)));
  const timeOf = (state: ClusterState | undefined) => state && state.at - since;
  return {
    direction: way > 0 ? 'up' : 'down',
    since,
    firstChange: timeOf(after.find(({ ready }) => way * (ready - there) > 0)),
    reached: timeOf(after.find(({ ready }) => way * (ready - step.to) >= 0)),
    overshoot: beyond.reduce((most, each) => Math.max(most, each), 0),
  };
}

function lastBy(states: readonly ClusterState[], at: number): ClusterState | undefined {
  return states.findLast((state) => state.at <= at) ?? states[0];
}

/**
 * When the load that is answered at `answered` began to rise (or to fall): the last such change before that, if it was not over
 * at `from`. Users who call without a pause are there from the beginning.
 */
function changeOfLoad({ plan, began }: Recording, from: number, answered: number, way: number): number | undefined {
  const { load } = plan;
  if (load.kind === 'capacity') return way > 0 && began >= from ? began : undefined;
  let [at, rate] = [began, load.startRate];
  let [change, last]: (number | undefined)[] = [];
  for (const { target, duration } of load.stages) {
    if (at > answered) break;
    // Stages that rise one after the other are one rise.
    change = way * (target - rate) > 0 ? (change ?? at) : undefined;
    at += duration;
    rate = target;
    if (change !== undefined && at >= from) last = change;
  }
  return last;
}
