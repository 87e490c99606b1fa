import type { Fleet } from '../policy/fleet.ts';
import { busyShare, type LoadThresholds, loadTogether, overloadedBy } from '../policy/load-thresholds.ts';
import type { HeartbeatOptions } from '../transport/heartbeat.ts';
import type { Node } from './node.ts';

/** How often a report can be a fault of a node, ms: its processes report one by one, and that is one fact. */
const faultInterval = 1_000;
/** How long a process measures for one report, ms (`server/load-meter.ts`). */
const measured = 1_000;

/** Heeds what nodes say of their own load: how busy each is, for the balancer `load`; and which are over a threshold. */
export class LoadWatch {
  readonly #fleet: Fleet<Node>;
  readonly #thresholds: LoadThresholds;
  /** What was said longer ago than this says nothing any more, ms. */
  readonly #fresh: number;

  constructor(fleet: Fleet<Node>, thresholds: LoadThresholds, { pingAfter, loadEvery }: HeartbeatOptions) {
    this.#fleet = fleet;
    this.#thresholds = thresholds;
    this.#fresh = 3 * Math.max(pingAfter, loadEvery);
  }

  /** To be called every 100 ms or so. A report is heeded once, and keeps the weight from rising until the next one. */
  look(node: Node, now: number): void {
    const reports = node.links.loads.filter(({ at }) => now - at < this.#fresh);
    const at = Math.max(...reports.map((report) => report.at));
    if (at === node.loadAt) return;
    node.loadAt = at;
    const load = loadTogether(reports);
    node.reported = load && busyShare(load);
    const over = load && overloadedBy(load, this.#thresholds);
    if (over !== undefined && now - node.overloadedAt >= faultInterval) {
      node.overloadedAt = now;
      // What was measured began before: a process that stood still was found out by its silence already, and says so once more.
      const since = at - measured - (load?.eventLoopDelay ?? 0);
      this.#fleet.fault(node, 'load', since, now, over);
    }
    this.#fleet.hold(node, 'load', over !== undefined, now);
  }
}
