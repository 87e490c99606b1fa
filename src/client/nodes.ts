import type { Call } from '../core/call.ts';
import { every, type Timer } from '../core/clock.ts';
import { address, type Endpoint } from '../core/endpoint.ts';
import { RpcError } from '../core/error.ts';
import type { Events } from '../core/events.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';
import { dialDelays } from '../policy/dial-plan.ts';
import { type Ended, Fleet } from '../policy/fleet.ts';
import type { FaultCause } from '../policy/outcome.ts';
import { noSettings, type Settings } from '../policy/settings.ts';
import type { Registry } from '../registry/registry.ts';
import type { ClientEvents } from './events.ts';
import { fleetEvents } from './fleet-events.ts';
import { LoadWatch } from './load-watch.ts';
import { Membership } from './membership.ts';
import { type MakeLinks, Node } from './node.ts';
import type { NodeLinks } from './node-links.ts';
import type { FilledConnectOptions } from './options.ts';
import { type RegistryState, RegistryWatch } from './registry-watch.ts';
import { WaitingCalls } from './waiting.ts';

/** How often weights rise and what is gone is forgotten, ms. */
const sweepInterval = 100;
/** How long a probe call may take, ms. */
const probeTimeout = 1_000;
/** How often it is looked whether servers that are down need others to stand in for them, ms. */
const chooseInterval = 1_000;
/** A server that was without a connection for this long is down, ms. */
const downAfter = 3_000;
/** How long many waiting calls are held when the first node is back, ms: a dial takes a few. */
const gathering = 20;
/** How long the calls at work on a node that is dropped may go on, ms. Their own deadlines are what really ends them. */
const dropGrace = 600_000;

export type NodesOptions = Omit<FilledConnectOptions, 'registry'>;

/**
 * All the nodes of a client: what the registry lists and what the connections prove. Connections are the truth, the
 * registry is a hint: only nodes with a live connection are picked, and one that is well is kept although the registry
 * has lost it. Which of them is picked the fleet decides (`policy/fleet.ts`).
 */
export class Nodes {
  /** Rises with every first or last connection of a node: who derives something from all nodes knows when to do it anew. */
  version = 0;
  readonly fleet: Fleet<Node>;
  readonly #makeLinks: MakeLinks;
  readonly #options: NodesOptions;
  readonly #events: Events<ClientEvents>;
  readonly #all = new Map<string, Node>();
  readonly #registry: RegistryWatch;
  readonly #membership: Membership;
  readonly #loadWatch: LoadWatch;
  readonly #waiting: WaitingCalls;
  readonly #sweep: Timer;
  /** Nodes that were dropped while calls were at work on them. */
  readonly #leaving = new Map<Node, Promise<void>>();
  /** Until when waiting calls are held for more nodes to come. */
  #holding: Timer | undefined;
  readonly #closing = new AbortController();
  #chosenAt = 0;
  #settings: Settings = noSettings;

  constructor(
    registry: Registry,
    makeLinks: MakeLinks,
    options: NodesOptions,
    wheel: TimerWheel,
    events: Events<ClientEvents>,
  ) {
    const { clock, random } = options;
    this.#makeLinks = makeLinks;
    this.#options = options;
    this.#events = events;
    this.fleet = new Fleet(options, random, fleetEvents(events, clock));
    this.#loadWatch = new LoadWatch(this.fleet, options.loadThresholds, options.heartbeat);
    this.#membership = new Membership(options);
    const waiting = { max: options.maxWaiting, timeout: options.connectTimeout };
    this.#waiting = new WaitingCalls(clock, wheel, waiting, () => this.#whyNone());
    this.#sweep = every(clock, sweepInterval, () => this.#onSweep());
    const { signal } = this.#closing;
    this.#registry = new RegistryWatch({ clock, events, signal }, (endpoints) => this.#onKnown(endpoints));
    void this.#registry.follow(registry);
  }

  /** Nodes that can be picked. */
  get live(): number {
    return this.fleet.size;
  }

  get registry(): RegistryState {
    return this.#registry.now;
  }

  [Symbol.iterator](): Iterator<Node> {
    return this.#all.values();
  }

  /**
   * True if a node could be picked that is none of these; or, if these are all there are, another worker of one of them:
   * one process may stand still while its siblings answer.
   */
  hasOther(tried: readonly string[]): boolean {
    return this.#left(tried, () => true);
  }

  /**
   * The same for a call that is only slow. Workers of one node share its CPU: a second one would be as slow, and be it the more for
   * being asked. It is only asked where one of them gives no sign of life.
   */
  hasSecond(tried: readonly string[]): boolean {
    return this.#left(tried, ({ faltering }) => faltering);
  }

  #left(tried: readonly string[], siblings: (links: NodeLinks) => boolean): boolean {
    let left = this.fleet.size;
    let ways = false;
    for (const id of new Set(tried)) {
      const node = this.#all.get(id);
      if (node === undefined || !this.fleet.has(node)) continue;
      left--;
      ways ||= tried.filter((other) => other === id).length < node.links.ways && siblings(node.links);
    }
    return left > 0 || ways;
  }

  /** A node for a call, none of those already tried while another is left; `undefined` if there is none to be had now. */
  pick(tried: readonly string[], now: number, key?: string): Node | undefined {
    if (tried.length === 0) return this.fleet.pick(none, now, key);
    return this.fleet.pick(
      tried.map((id) => this.#all.get(id)).filter((node) => node !== undefined),
      now,
      key,
    );
  }

  /** Live settings: over what the nodes announce and the client was made with. */
  apply(settings: Settings): void {
    this.#settings = settings;
    for (const node of this.#all.values()) this.#weigh(node);
    const { balancer, balancerOptions } = settings.client;
    this.fleet.setBalancer(balancer ?? this.#options.balancer, {
      ...this.#options.balancerOptions,
      ...balancerOptions,
    });
    if (this.fleet.size > 0) this.#waiting.wake();
  }

  /** Resolves when there is a node to pick. */
  wait(call: Call): Promise<void> {
    return this.#waiting.wait(call);
  }

  // What an attempt shows of a node that was forgotten says nothing of one that came back under its id: to the fleet they
  // are two.

  began(node: Node, now: number): void {
    this.fleet.began(node, now);
  }

  succeeded(node: Node, startedAt: number, now: number): void {
    this.fleet.succeeded(node, startedAt, now);
  }

  /** An attempt ended otherwise. */
  ended(node: Node, end: Ended): void {
    this.fleet.ended(node, end);
  }

  /** The node asked for no more calls until then. */
  spare(node: Node, until: number): void {
    this.fleet.spare(node, until);
  }

  /** Ends all connections after their calls, `grace` ms at most. Never rejects. */
  async close(grace: number): Promise<void> {
    this.#closing.abort();
    this.#sweep.cancel();
    this.#holding?.cancel();
    this.#waiting.close(new RpcError('UNAVAILABLE', 'the client is closed', { stage: 'unsent', reason: 'NO_NODES' }));
    // A call that fails from here on finds no node to be sent to again.
    for (const node of this.#all.values()) this.fleet.remove(node);
    // Those that were dropped, and only finish, are closed too.
    await Promise.all(Array.from([...this.#all.values(), ...this.#leaving.keys()], (node) => node.links.stop(grace)));
    await Promise.all(this.#leaving.values());
  }

  #onKnown(endpoints: readonly Endpoint[]): void {
    this.#membership.list(endpoints, this.#isDown);
    const { listed } = this.#membership;
    for (const node of this.#all.values()) if (!listed.has(node.id)) this.#onUnlisted(node, listed.size === 0);
    this.fleet.together(() => {
      for (const endpoint of listed.values()) this.#onListed(endpoint);
    });
    this.#connectMembers();
  }

  /** What the registry says of a node that is known. */
  #onListed(endpoint: Endpoint): void {
    const node = this.#all.get(endpoint.id);
    if (node === undefined) return;
    if (!node.isReachedBy(endpoint)) return this.#drop(node);
    node.unlistedSince = undefined;
    node.endpoint = endpoint;
    this.#weigh(node);
  }

  /** Makes the members' nodes, and dials them with a spread: all clients learn of a new server in the same moment. */
  #connectMembers(): void {
    const { members, listed } = this.#membership;
    const { random, log } = this.#options;
    const fresh = Array.from(members).filter((id) => !this.#all.has(id));
    const served = this.fleet.size > 0;
    const delays = dialDelays(fresh.length, served, random);
    for (const [i, id] of fresh.entries()) {
      try {
        // The first nodes of all are no newcomers: there is nobody whose traffic they would take too fast.
        this.#make(listed.get(id)!, { slowStart: served, delay: delays[i]! });
      } catch (err) {
        // One entry that cannot be is no reason to lose the others.
        log.warn({ err, node: id }, 'the registry lists a server that cannot be used');
      }
    }
  }

  #make(endpoint: Endpoint, { slowStart, delay }: { slowStart: boolean; delay: number }): void {
    const node = new Node(endpoint, (self) =>
      this.#makeLinks(endpoint, {
        onChange: () => this.#onLinks(self),
        onFault: (cause, error, since) => this.#onLinkFault(self, cause, error, since),
        onPass: () => this.fleet.hold(self, 'health', false, this.#options.clock.now()),
      }),
    );
    this.#weigh(node, slowStart);
    this.#all.set(node.id, node);
    node.downSince = this.#options.clock.now() + delay;
    node.links.start(delay);
  }

  /** Tells the fleet what the registry says of the node's weight and place, and what is set over it. */
  #weigh(node: Node, slowStart = false): void {
    node.tier = this.#membership.tier(node.id);
    const { weight = node.endpoint.weight, offline = false } = this.#settings.nodes.get(node.id) ?? {};
    this.fleet.add(node, weight, this.#options.clock.now(), { slowStart });
    this.fleet.moved(node);
    this.fleet.setOffline(node, offline);
  }

  /**
   * The registry does not list a node any more. If it is well, that alone is no reason to leave it: its server says
   * DRAIN when it goes. A classic server or a pool's client has no such word; it is believed to be gone unless the whole
   * list is.
   */
  #onUnlisted(node: Node, allGone: boolean): void {
    node.unlistedSince ??= this.#options.clock.now();
    const silent = !node.links.saysDrain && !allGone;
    if (silent || (!node.live && !allGone)) this.#drop(node);
  }

  #drop(node: Node): void {
    this.#all.delete(node.id);
    this.fleet.remove(node);
    this.version++;
    this.#events.emit('left', { id: node.id });
    const stopping = node.links.stop(dropGrace).then(() => void this.#leaving.delete(node));
    this.#leaving.set(node, stopping);
  }

  /** A node's first connection came, or its last one went. */
  #onLinks(node: Node): void {
    if (this.#all.get(node.id) !== node || this.#closing.signal.aborted) return;
    this.version++;
    const now = this.#options.clock.now();
    node.downSince = node.live ? undefined : now;
    if (node.links.draining) this.fleet.leaves(node, now);
    else this.fleet.setConnected(node, node.live, now);
    // What a check found out about a process that is gone says nothing of the next one.
    if (!node.live) this.fleet.hold(node, 'health', false, now);
    if (this.fleet.size > 0) this.#wake();
    // Calls wait: the spread of dials is a luxury now.
    else
      Array.from(this.#all.values())
        .find(({ links }) => !links.reached)
        ?.links.hurry();
    // One that was merely lost is dialled again first: a blip of the network is no evidence that it is gone.
    if (!node.live && node.unlistedSince !== undefined && node.links.departed) this.#drop(node);
  }

  /**
   * Lets the waiting calls go. Many of them would all go to the first node that is back after an outage: the others are
   * dialled at once, whatever their backoff, and get a moment to come.
   */
  #wake(): void {
    const missing = Array.from(this.#all.values()).filter((node) => !node.live && !node.links.draining);
    if (missing.length === 0 || this.#waiting.size <= this.#all.size) {
      this.#holding?.cancel();
      this.#holding = undefined;
      return this.#waiting.wake();
    }
    if (this.#holding !== undefined) return;
    this.#holding = this.#options.clock.timer(gathering, () => {
      this.#holding = undefined;
      if (this.fleet.size > 0) this.#waiting.wake();
    });
    for (const { links } of missing) links.hurry();
  }

  #onLinkFault(node: Node, cause: FaultCause, error: RpcError, since: number): void {
    const now = this.#options.clock.now();
    if (cause === 'health') this.#events.emit('health-failed', { id: node.id, why: error.message });
    // One that is suspended has its one probe call; what the usual checks find is no news.
    if (cause === 'health' && this.fleet.suspended(node)) return;
    this.fleet.fault(node, cause, since, now, error.message);
    // Until it says that it is well, its weight does not rise by time.
    if (cause === 'health') this.fleet.hold(node, 'health', true, now);
    // A refused dial is evidence: what the registry lists no longer and nobody answers for is gone.
    const current = this.#all.get(node.id) === node;
    if (current && cause === 'refused' && node.unlistedSince !== undefined && !node.live) this.#drop(node);
  }

  #onSweep(): void {
    const now = this.#options.clock.now();
    this.fleet.advance(now, isAlive);
    for (const node of this.fleet.due(now, isAlive)) void this.#probe(node);
    for (const node of this.#all.values()) {
      if (node.unlistedSince !== undefined && now - node.unlistedSince > this.#options.retention) this.#drop(node);
      else {
        this.#checkHeartbeat(node, now);
        this.#loadWatch.look(node, now);
      }
    }
    if (this.#membership.partial && now - this.#chosenAt >= chooseInterval) this.#chooseAgain(now);
  }

  /** Of many servers only some are members: others stand in for those that are down, and go when they are up again. */
  #chooseAgain(now: number): void {
    this.#chosenAt = now;
    this.#membership.choose(this.#isDown);
    const { members, listed } = this.#membership;
    this.#connectMembers();
    // One that is no member any more goes when enough others are there.
    for (const node of this.#all.values()) {
      if (listed.has(node.id) && !members.has(node.id) && this.#isCovered(node.tier)) this.#drop(node);
    }
  }

  /** True if all members of a tier are connected that can be. */
  #isCovered(tier: number): boolean {
    const { members } = this.#membership;
    for (const id of members)
      if (this.#membership.tier(id) === tier && !this.#all.get(id)?.live && !this.#isDown(id)) return false;
    return true;
  }

  readonly #isDown = (id: string): boolean => {
    const since = this.#all.get(id)?.downSince;
    return since !== undefined && this.#options.clock.now() - since >= downAfter;
  };

  /** A node whose every connection owes a sign of life has failed, once for each time that it falls silent. */
  #checkHeartbeat(node: Node, now: number): void {
    const silent = node.live && !node.links.alive;
    if (silent && !node.silent) this.fleet.fault(node, 'heartbeat', now, now);
    node.silent = silent;
  }

  /** Its time on the failed list is over: one call tells. */
  async #probe(node: Node): Promise<void> {
    const wrong = await node.links.probe(probeTimeout);
    this.fleet.probed(node, wrong === undefined, this.#options.clock.now());
  }

  #whyNone(): string {
    const { state, cause } = this.registry;
    if (this.#all.size === 0) {
      if (state === 'pending') return 'the registry has not answered yet';
      if (state === 'failed' || state === 'stale') return `the registry cannot be read: ${cause}`;
      return 'the registry lists none';
    }
    return Array.from(this.#all.values(), (node) => {
      const away = node.links.draining ? 'going away' : 'connecting';
      const why = node.live ? 'out of service' : (node.links.lastError?.message ?? away);
      return `${node.id} (${address(node.endpoint)}): ${why}`;
    }).join('; ');
  }
}

const none: readonly Node[] = [];
const isAlive = (node: Node): boolean => node.links.alive;
