import type { Fleet } from '../policy/fleet.ts';
import { busyShare, type LoadThresholds, loadTogether, overloadedBy } from '../policy/load-thresholds.ts';
import type { Node } from './node.ts';

/** What a server said of its load longer ago than this says nothing any more, ms: five times as long as it is asked for. */
const fresh = 5_000;

/** Heeds what nodes say of their own load: how busy each is, for the balancer `load`; and which are over a threshold. */
export class LoadWatch {
  readonly #fleet: Fleet<Node>;
  readonly #thresholds: LoadThresholds;

  constructor(fleet: Fleet<Node>, thresholds: LoadThresholds) {
    this.#fleet = fleet;
    this.#thresholds = thresholds;
  }

  /** To be called every 100 ms or so. A report is heeded once, and keeps the weight from rising until the next one. */
  look(node: Node, now: number): void {
    const reports = node.links.loads.filter(({ at }) => now - at < fresh);
    const at = Math.max(...reports.map((report) => report.at));
    if (at === node.loadAt) return;
    node.loadAt = at;
    const load = loadTogether(reports);
    node.reported = load && busyShare(load);
    const over = load && overloadedBy(load, this.#thresholds);
    if (over !== undefined) this.#fleet.fault(node, 'load', now, now, over);
    this.#fleet.hold(node, 'load', over !== undefined, now);
  }
}
