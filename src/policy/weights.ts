import { jitter, type Random } from '../core/random.ts';
import { healthyFactor, Outage } from './outage.ts';
import type { FaultCause } from './outcome.ts';
import { expectRange } from './range.ts';
import type { ChangeCause, WeightChange } from './weight-change.ts';
import { type WeightOptions, weightOptions } from './weight-options.ts';

/** What is known of a node's weight, for people. */
export interface WeightRow {
  readonly id: string;
  readonly base: number;
  readonly factor: number;
  /** The share of its weight that a newcomer has reached. 1 when slow start is over. */
  readonly slowStart: number;
  /** The effective weight: base x factor x slowStart. */
  readonly weight: number;
  readonly lastChange: WeightChange;
  /** Time until the weight rises on its own if nothing else happens, ms. Absent when it is full. */
  readonly nextRise?: number;
}

interface Node {
  readonly id: string;
  base: number;
  factor: number;
  share: number;
  joinedAt: number;
  /** When the factor was last lowered: attempts begun before it tell nothing new. */
  loweredAt: number;
  /** When the factor doubles by time. Of meaning only while it is below 1. */
  doublesAt: number;
  /** True while neither success nor time raises it. */
  held: boolean;
  lastChange: WeightChange;
}

const spread = 0.2;
/** A newcomer's weight rises in so many steps, each of which is a change with a reason. */
const slowStartSteps = 8;
/** Sixteen bits: more would only make rounding worse. */
export const maxBaseWeight = 65_536;

/**
 * The weights of a client's nodes: halved by faults, never to zero, and raised by successes and by time. Effective weight =
 * base weight (announced) x factor (what faults left of it) x slow-start share (for newcomers). See docs/policy.md.
 */
export class Weights {
  readonly #options: WeightOptions;
  readonly #random: Random;
  readonly #nodes = new Map<string, Node>();
  /** Nodes below their base weight: the only ones that `advance` visits. */
  readonly #rising = new Set<Node>();
  readonly #outage: Outage<Node>;

  /** @throws RangeError for an option out of range */
  constructor(options: Partial<WeightOptions> | undefined, random: Random) {
    this.#options = weightOptions(options);
    this.#random = random;
    this.#outage = new Outage(2 * this.#options.recoveryInterval);
  }

  has(id: string): boolean {
    return this.#nodes.has(id);
  }

  /**
   * Adds a node, or takes a known one's new base weight: a survivor of a change in the registry keeps its factor and its
   * slow start.
   * @param base its announced weight, 1..65536
   * @returns the change, unless there was none
   */
  add(id: string, base: number, now: number, options: { slowStart: boolean }): WeightChange | undefined {
    expectRange(`the weight of ${id}`, base, 1, maxBaseWeight);
    const known = this.#nodes.get(id);
    if (known !== undefined) {
      const from = effective(known);
      known.base = base;
      return record(known, from, 'announced', now);
    }
    const slow = options.slowStart && this.#options.slowStart > 0;
    const share = slow ? this.#options.slowStartFrom : 1;
    const lastChange: WeightChange = { id, at: now, from: 0, to: base * share, cause: 'joined' };
    const node = {
      id,
      base,
      factor: 1,
      share,
      joinedAt: now,
      loweredAt: -Infinity,
      doublesAt: now,
      held: false,
      lastChange,
    };
    this.#nodes.set(id, node);
    this.#outage.moved(node, 0, 1);
    if (share < 1) this.#rising.add(node);
    return lastChange;
  }

  /**
   * A newcomer can be sent calls only now: its slow start begins.
   * @returns the change, unless there was none
   */
  begin(id: string, now: number): WeightChange | undefined {
    const node = this.#nodes.get(id);
    if (node === undefined || node.share === 1 || node.joinedAt === now) return undefined;
    const from = effective(node);
    node.joinedAt = now;
    node.share = this.#options.slowStartFrom;
    return record(node, from, 'slow-start', now);
  }

  /** Forgets a node. */
  remove(id: string): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    this.#nodes.delete(id);
    this.#rising.delete(node);
    this.#outage.moved(node, node.factor, 0);
  }

  /**
   * An attempt on the node failed. Attempts begun before the weight was last lowered change nothing: fifty timeouts of calls
   * that were in flight together are one fact.
   * @param startedAt when the attempt began
   * @param attempt kept with the change, for people
   * @returns the change, unless there was none
   */
  fault(id: string, cause: FaultCause, startedAt: number, now: number, attempt?: string): WeightChange | undefined {
    const node = this.#nodes.get(id);
    if (node === undefined || !this.counts(id, cause, startedAt)) return undefined;
    const decay = this.#options.decay[cause] ?? 0.5;
    const from = effective(node);
    node.loweredAt = now;
    node.doublesAt = now + this.#interval();
    this.#rising.add(node);
    this.#outage.failed(node);
    this.#setFactor(node, Math.max(this.#options.floor, node.factor * decay));
    return record(node, from, cause, now, attempt);
  }

  /** True if a fault of an attempt begun at `startedAt` is news, and its cause is one that counts. */
  counts(id: string, cause: FaultCause, startedAt: number): boolean {
    const node = this.#nodes.get(id);
    return node !== undefined && this.#options.decay[cause] !== 1 && startedAt >= node.loweredAt;
  }

  /**
   * Keeps the weight from rising, or lets it rise again: for as long as a node says itself that it has too much to do, its
   * answers are no reason to give it more.
   */
  hold(id: string, held: boolean, now: number): void {
    const node = this.#nodes.get(id);
    if (node === undefined || node.held === held) return;
    node.held = held;
    node.doublesAt = Math.max(node.doublesAt, now + this.#interval());
  }

  /**
   * The node answered.
   * @returns the change, unless there was none
   */
  success(id: string, now: number, attempt?: string): WeightChange | undefined {
    const node = this.#nodes.get(id);
    if (node === undefined || node.factor === 1 || node.held) return undefined;
    const from = effective(node);
    const { recovery } = this.#options;
    this.#raise(node, recovery === 'restore' ? 1 : node.factor * recovery, now);
    return record(node, from, 'success', now, attempt);
  }

  /**
   * Raises what has risen by time since the last time: to be called every 100 ms or so, so that nodes come back without
   * traffic. Costs nothing when every node has its full weight.
   * @param alive whether the node's heartbeats answer; a node whose do not stays where it is. Default: all are alive.
   */
  advance(now: number, alive: (id: string) => boolean = () => true): WeightChange[] {
    const changes: WeightChange[] = [];
    if (this.#rising.size === 0) return changes;
    for (const { node, to } of this.#lateComers(now, alive)) {
      const from = effective(node);
      this.#setFactor(node, to);
      push(changes, record(node, from, 'time', now));
    }
    for (const node of this.#rising) {
      if (node.factor < 1) push(changes, this.#riseByTime(node, now, alive(node.id)));
      if (node.share < 1) push(changes, this.#slowStart(node, now));
      if (node.factor === 1 && node.share === 1) this.#rising.delete(node);
    }
    return changes;
  }

  /** The effective weight, above 0. 0 for a node that is not known. */
  weight(id: string): number {
    const node = this.#nodes.get(id);
    return node === undefined ? 0 : effective(node);
  }

  /** What faults have left of the base weight: from the floor to 1. 0 for a node that is not known. */
  factor(id: string): number {
    return this.#nodes.get(id)?.factor ?? 0;
  }

  /** True if at most one fault is not made up for: the factor is at least 1/2. */
  healthy(id: string): boolean {
    return this.factor(id) >= healthyFactor;
  }

  /** The announced weight. 0 for a node that is not known. */
  base(id: string): number {
    return this.#nodes.get(id)?.base ?? 0;
  }

  lastChange(id: string): WeightChange | undefined {
    return this.#nodes.get(id)?.lastChange;
  }

  /** All nodes in the order in which they were added. */
  show(now: number): WeightRow[] {
    return Array.from(this.#nodes.values(), (node) => {
      const { id, base, factor, share, lastChange } = node;
      const row = { id, base, factor, slowStart: share, weight: effective(node), lastChange };
      const risesAt = Math.min(factor < 1 ? node.doublesAt : Infinity, share < 1 ? this.#nextStepAt(node) : Infinity);
      return risesAt === Infinity ? row : { ...row, nextRise: Math.max(0, risesAt - now) };
    });
  }

  #raise(node: Node, to: number, now: number): void {
    this.#setFactor(node, this.#outage.limit(node, Math.min(1, to), this.#nodes.values(), now));
  }

  #setFactor(node: Node, to: number): void {
    const from = node.factor;
    node.factor = to;
    this.#outage.moved(node, from, to);
  }

  #lateComers(now: number, alive: (id: string) => boolean): { node: Node; to: number }[] {
    const late = this.#outage.lateComers(now);
    if (late === undefined) return [];
    return late.nodes.filter((node) => alive(node.id)).map((node) => ({ node, to: late.factor }));
  }

  #riseByTime(node: Node, now: number, alive: boolean): WeightChange | undefined {
    const from = effective(node);
    // Time in which heartbeats do not answer is no time without a fault.
    if (!alive || node.held) node.doublesAt = Math.max(node.doublesAt, now + this.#interval());
    while (node.doublesAt <= now && node.factor < 1) {
      node.doublesAt += this.#interval();
      this.#raise(node, node.factor * 2, now);
    }
    return record(node, from, 'time', now);
  }

  #slowStart(node: Node, now: number): WeightChange | undefined {
    const from = effective(node);
    const { slowStart, slowStartFrom } = this.#options;
    const steps = Math.min(slowStartSteps, Math.floor(((now - node.joinedAt) / slowStart) * slowStartSteps));
    node.share = slowStartFrom + ((1 - slowStartFrom) * steps) / slowStartSteps;
    return record(node, from, 'slow-start', now);
  }

  #nextStepAt(node: Node): number {
    const { slowStart, slowStartFrom } = this.#options;
    const steps = Math.round(((node.share - slowStartFrom) / (1 - slowStartFrom)) * slowStartSteps);
    return node.joinedAt + ((steps + 1) * slowStart) / slowStartSteps;
  }

  #interval(): number {
    return jitter(this.#options.recoveryInterval, spread, this.#random);
  }
}

function effective(node: Node): number {
  return node.base * node.factor * node.share;
}

/** Notes the change on the node. Undefined if the weight is what it was. */
function record(node: Node, from: number, cause: ChangeCause, at: number, attempt?: string): WeightChange | undefined {
  const to = effective(node);
  if (to === from) return undefined;
  node.lastChange = { id: node.id, at, from, to, cause, ...(attempt === undefined ? undefined : { attempt }) };
  return node.lastChange;
}

function push<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item);
}
