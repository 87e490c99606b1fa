import type { ReportedLoad } from '../core/load.ts';
import { loadTogether } from '../policy/load-thresholds.ts';
import type { Connection } from '../transport/connection.ts';
import type { HeartbeatOptions } from '../transport/heartbeat.ts';

/**
 * What a node says of its load, all its worker processes together, at the time of the newest of their words. Undefined if
 * none of them has said anything lately: a classic one never does.
 * @param maxAge what is older does not count, ms
 */
export function nodeLoad(
  open: readonly Pick<Connection, 'load'>[],
  now: number,
  maxAge: number,
): ReportedLoad | undefined {
  const loads = open
    .map(({ load }) => load)
    .filter((load) => load !== undefined)
    .filter(({ at }) => now - at <= maxAge);
  const together = loadTogether(loads);
  return together && { ...together, at: Math.max(...loads.map(({ at }) => at)) };
}

/** For how long a load counts, ms: until two answers in a row have not come. */
export function loadMaxAge({ pingAfter, loadEvery }: HeartbeatOptions): number {
  return 3 * Math.max(pingAfter, loadEvery);
}
