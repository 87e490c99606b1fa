import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../core/random.ts';
import { Avoidance } from './avoidance.ts';
import { type Balancer, type BalancerName, type BalancerOptions, makeBalancer } from './balance/index.ts';
import type { FaultWindow } from './fault-window.ts';
import type { Ended, FleetEvents, FleetOptions, HoldReason, Member, Restraints, ReturnCause } from './fleet-types.ts';
import type { FaultCause } from './outcome.ts';
import { Stall } from './stall.ts';
import { StickyBalancer } from './sticky.ts';
import { Suspensions } from './suspension.ts';
import { suspensionOptions } from './suspension-options.ts';
import { TieredBalancer } from './tiers.ts';
import type { WeightChange } from './weight-change.ts';
import { Weights } from './weights.ts';

export type { Ended, FleetEvents, FleetOptions, HoldReason, Member, Restraints, ReturnCause } from './fleet-types.ts';

interface Entry<M> {
  readonly member: M;
  readonly window: FaultWindow;
  readonly stall: Stall;
  readonly held: Set<HoldReason>;
  base: number;
  connected: boolean;
  /** True once it was connected. */
  reached: boolean;
  /** True while its absence counts: from the end of its first dial until it leaves in order. */
  expected: boolean;
  /** Somebody took it out of service. */
  offline: boolean;
  /** True while the balancer has it. */
  picked: boolean;
}

/**
 * The nodes that calls may go to, and all that is known of how well each is: weights, the failed list, who stands still,
 * who asked to be spared; and the choice among them. Pure: it decides, its owner (a client, a pool, the simulator)
 * connects, sends and keeps the time. See docs/policy.md.
 */
export class Fleet<M extends Member> {
  readonly weights: Weights;
  readonly #options: FleetOptions;
  readonly #random: Random;
  readonly #events: FleetEvents<M>;
  readonly #suspensions: Suspensions<M>;
  readonly #entries = new Map<M, Entry<M>>();
  readonly #byId = new Map<string, Entry<M>>();
  readonly #avoidance = new Avoidance<M>((member) => this.#entries.get(member)!.stall);
  readonly #balancer: TieredBalancer<M>;
  #chosen: { name: BalancerName; options: Partial<BalancerOptions> };
  #panicking = false;

  /** @throws RangeError for an option out of range */
  constructor(options: FleetOptions, random: Random, events: FleetEvents<M>) {
    this.#options = options;
    this.#random = random;
    this.#events = events;
    this.weights = new Weights(options.weights, random);
    this.#suspensions = new Suspensions(suspensionOptions(options.suspension), random);
    this.#chosen = { name: options.balancer ?? 'p2c', options: options.balancerOptions ?? {} };
    this.#balancer = new TieredBalancer(this.#maker(this.#chosen.name, this.#chosen.options), options.tiers, (change) =>
      events.onTier(change),
    );
  }

  /** The tier that has the calls; undefined before the first connection. */
  get activeTier(): number | undefined {
    return this.#balancer.active;
  }

  /** Members that can be picked. */
  get size(): number {
    return this.#balancer.size;
  }

  get panicking(): boolean {
    return this.#balancer.panicking;
  }

  /** True while calls may go to it. */
  has(member: M): boolean {
    return this.#entries.get(member)?.picked ?? false;
  }

  /** The member of that id. */
  get(id: string): M | undefined {
    return this.#byId.get(id)?.member;
  }

  suspended(member: M): boolean {
    return this.#suspensions.has(member);
  }

  /** When a suspended member is probed (on the clock of `now`, ms); undefined if it is not suspended. */
  probedAt(member: M, alive: boolean): number | undefined {
    return this.#suspensions.until(member, alive);
  }

  /** Adds a member that is not connected yet, or takes a known one's new base weight. */
  add(member: M, base: number, now: number, options: { slowStart: boolean }): void {
    const change = this.weights.add(member.id, base, now, options);
    let entry = this.#entries.get(member);
    if (entry === undefined) {
      const window = this.#suspensions.add(member);
      const state = {
        held: new Set<HoldReason>(),
        connected: false,
        reached: false,
        expected: false,
        offline: false,
        picked: false,
      };
      entry = { member, window, stall: new Stall(), base, ...state };
      this.#entries.set(member, entry);
      this.#byId.set(member.id, entry);
    }
    entry.base = base;
    this.#onWeight(entry, change);
  }

  remove(member: M): void {
    const entry = this.#entries.get(member);
    if (entry === undefined) return;
    this.#entries.delete(member);
    this.#byId.delete(member.id);
    this.#avoidance.forget(member);
    this.#balancer.forget(member);
    this.weights.remove(member.id);
    this.#return(this.#suspensions.remove(member), 'too-few-left');
    this.#checkPanic();
  }

  /** It can take calls, or no longer. */
  setConnected(member: M, connected: boolean, now: number): void {
    const entry = this.#entries.get(member);
    if (entry === undefined || entry.connected === connected) return;
    entry.connected = connected;
    if (!connected) entry.stall.answered();
    else if (!entry.reached) {
      entry.reached = true;
      // It begins to rise when it can be sent something, however long it took to reach it.
      this.#onWeight(entry, this.weights.begin(member.id, now));
    }
    this.#place(entry);
    if (connected) this.#expect(entry);
    // Who loses one connection after the other is suspended with the next one: a connection alone proves nothing.
    if (connected && !this.panicking && this.#suspensions.review(member, now)) this.#onSuspended(entry, 'lost');
  }

  /** It goes away in order: that it is absent from now on is not held against its tier, until it is connected again. */
  leaves(member: M, now: number): void {
    const entry = this.#entries.get(member);
    if (entry === undefined) return;
    entry.expected = false;
    this.#balancer.forget(member);
    entry.picked = false;
    this.setConnected(member, false, now);
  }

  /** Decides who has the calls only after all that `changes` does. */
  together(changes: () => void): void {
    this.#balancer.together(changes);
  }

  /** Takes it out of service, or puts it back: not a fault, and nothing of its weight changes. */
  setOffline(member: M, offline: boolean): void {
    const entry = this.#entries.get(member);
    if (entry === undefined || entry.offline === offline) return;
    entry.offline = offline;
    // It is absent on purpose: that is not held against its tier.
    if (offline) this.#balancer.forget(member);
    this.#place(entry);
    if (!offline && entry.expected) this.#balancer.expect(member);
  }

  /** Chooses by another rule from now on. @throws RangeError for a name that no balancer has */
  setBalancer(name: BalancerName, options: Partial<BalancerOptions> = {}): void {
    if (name === this.#chosen.name && isDeepStrictEqual(options, this.#chosen.options)) return;
    const make = this.#maker(name, options);
    make();
    this.#chosen = { name, options };
    this.#balancer.replace(make);
  }

  #maker(name: BalancerName, options: Partial<BalancerOptions>): () => Balancer<M> {
    const { sticky } = this.#options;
    const make = () => makeBalancer<M>(name, this.#random, options);
    return sticky ? () => new StickyBalancer(make()) : make;
  }

  /** Its tier has changed. */
  moved(member: M): void {
    if (this.#entries.has(member)) this.#balancer.update(member);
  }

  #expect(entry: Entry<M>): void {
    if (entry.expected) return;
    entry.expected = true;
    if (!entry.offline) this.#balancer.expect(entry.member);
  }

  /**
   * Keeps its weight from rising while it says itself, or a check says, that it is not well; for as many reasons as there
   * are. What it answers meanwhile is no reason to give it more.
   */
  hold(member: M, reason: HoldReason, on: boolean, now: number): void {
    const entry = this.#entries.get(member);
    if (entry === undefined || entry.held.has(reason) === on) return;
    if (on) entry.held.add(reason);
    else entry.held.delete(reason);
    this.weights.hold(member.id, entry.held.size > 0, now);
  }

  /** Why its weight does not rise, and why it gets less than its weight stands for: for people. */
  restraints(member: M, now: number): Restraints {
    const entry = this.#entries.get(member);
    return {
      held: [...(entry?.held ?? [])],
      sparedUntil: this.#avoidance.sparedUntil(member, now),
      stands: entry?.stall.stands(member.inFlight, now) ?? false,
    };
  }

  /** It asked for no more calls until then: it gets none while others are left. */
  spare(member: M, until: number): void {
    if (this.#entries.has(member)) this.#avoidance.spare(member, until);
  }

  /**
   * Chooses a member for an attempt: none of `excluded` while another is left, and none that stands still or asked to be
   * spared while there is one that does not. Undefined only when there is none at all.
   */
  pick(excluded: readonly M[], now: number, key?: string): M | undefined {
    return this.#avoidance.pick(this.#balancer, excluded, now, key);
  }

  /** An attempt was sent to it. */
  began(member: M, now: number): void {
    const entry = this.#entries.get(member);
    if (entry === undefined) return;
    entry.stall.sent(now);
    this.#balancer.began(member, now);
  }

  /** An attempt that `began` was answered, and the answer is no fault: the common case, without an object to carry it. */
  succeeded(member: M, startedAt: number, now: number): void {
    const entry = this.#entries.get(member);
    if (entry === undefined) return;
    entry.stall.answered();
    this.#balancer.ended(member, now, now - startedAt, false);
    this.#succeed(entry, now);
  }

  /** An attempt that `began` is over in any way. */
  ended(member: M, { outcome, answered, startedAt, now, attempt }: Ended): void {
    const entry = this.#entries.get(member);
    if (entry === undefined) return;
    if (answered) entry.stall.answered();
    const failed = outcome.kind === 'neutral' ? undefined : outcome.kind === 'fault';
    this.#balancer.ended(member, now, now - startedAt, failed);
    if (outcome.kind === 'success') this.#succeed(entry, now);
    else if (outcome.kind === 'fault') this.#fail(entry, outcome.cause, startedAt, now, attempt);
  }

  /** Something other than an attempt showed that it is not well. `since` is when that began. */
  fault(member: M, cause: FaultCause, since: number, now: number, attempt?: string): void {
    const entry = this.#entries.get(member);
    if (entry === undefined) return;
    if (cause === 'refused') this.#expect(entry);
    this.#fail(entry, cause, since, now, attempt);
  }

  /** What time brings: weights that rise, calls that go back to a better tier. To be called every 100 ms or so. */
  advance(now: number, alive: (member: M) => boolean): void {
    const rises = (id: string) => {
      const { member } = this.#byId.get(id)!;
      // While it is on the failed list nothing shows that it is well.
      return alive(member) && !this.#suspensions.has(member);
    };
    for (const change of this.weights.advance(now, rises)) this.#onWeight(this.#byId.get(change.id)!, change);
    this.#balancer.advance(now);
  }

  /** Suspended members whose time is over: the owner makes one probe call to each and says how it ended (`probed`). */
  due(now: number, alive: (member: M) => boolean): M[] {
    return this.#suspensions.due(now, alive);
  }

  probed(member: M, ok: boolean, now: number): void {
    const entry = this.#entries.get(member);
    if (entry === undefined) return;
    if (this.#suspensions.probed(member, ok, now)) {
      // It was asked what a health check asks: what the last check said is out of date.
      this.hold(member, 'health', false, now);
      this.#onWeight(entry, this.weights.success(member.id, now, 'probe'));
      this.#return([member], 'probe');
    } else if (this.#suspensions.has(member)) {
      this.#onSuspended(entry, 'probe');
    }
  }

  #succeed(entry: Entry<M>, now: number): void {
    entry.window.success(now);
    if (entry.member.weight < entry.base) this.#onWeight(entry, this.weights.success(entry.member.id, now));
  }

  #fail(entry: Entry<M>, cause: FaultCause, since: number, now: number, attempt: string | undefined): void {
    const { member } = entry;
    // Fifty attempts that were lost together are one fact for the failed list as well.
    if (!this.weights.counts(member.id, cause, since)) return;
    this.#onWeight(entry, this.weights.fault(member.id, cause, since, now, attempt));
    // When all look bad, none is worse than the others.
    if (this.#suspensions.fault(member, now, !this.panicking)) this.#onSuspended(entry, cause);
  }

  #onSuspended(entry: Entry<M>, cause: FaultCause | 'probe'): void {
    const { member } = entry;
    this.#place(entry);
    this.#events.onSuspended(member, cause, this.#suspensions.until(member, false)!);
  }

  #onWeight(entry: Entry<M>, change: WeightChange | undefined): void {
    if (change === undefined) return;
    const { member } = entry;
    member.weight = this.weights.weight(member.id);
    member.healthy = this.weights.healthy(member.id);
    if (entry.picked) this.#balancer.update(member);
    this.#events.onWeight(member, change);
    this.#checkPanic();
  }

  #place(entry: Entry<M>): void {
    const { member, connected, offline } = entry;
    const released = this.#suspensions.setConnected(member, connected && !offline);
    const picked = connected && !offline && !this.#suspensions.has(member);
    if (picked !== entry.picked) {
      entry.picked = picked;
      if (picked) this.#balancer.add(member);
      else this.#balancer.remove(member);
    }
    this.#return(released, 'too-few-left');
    this.#checkPanic();
  }

  #return(members: readonly M[], cause: ReturnCause): void {
    for (const member of members) {
      const entry = this.#entries.get(member);
      if (entry === undefined) continue;
      this.#place(entry);
      this.#events.onReturned(member, cause);
    }
  }

  #checkPanic(): void {
    const { panicking } = this.#balancer;
    if (panicking !== this.#panicking) {
      this.#panicking = panicking;
      this.#events.onPanic(panicking);
    }
    // Those on the failed list are no worse than the others now.
    if (panicking) this.#return(this.#suspensions.releaseAll(), 'panic');
  }
}
