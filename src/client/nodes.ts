import type { Call } from '../core/call.ts';
import { every, type Timer } from '../core/clock.ts';
import { address, type Endpoint } from '../core/endpoint.ts';
import { RpcError } from '../core/error.ts';
import type { Events } from '../core/events.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';
import { type Balancer, makeBalancer } from '../policy/balance/index.ts';
import type { FaultCause } from '../policy/outcome.ts';
import type { WeightChange } from '../policy/weight-change.ts';
import { Weights } from '../policy/weights.ts';
import type { Registry, View } from '../registry/registry.ts';
import type { ClientEvents } from './events.ts';
import { Node } from './node.ts';
import type { FilledConnectOptions } from './options.ts';
import { WaitingCalls } from './waiting.ts';

/** How often weights rise and what is gone is forgotten, ms. */
const sweepInterval = 100;
/** How long the calls at work on a node that is dropped may go on, ms. Their own deadlines are what really ends them. */
const dropGrace = 600_000;

export type NodesOptions = FilledConnectOptions & { service: string | undefined };

/**
 * All the nodes of a client: what the registry lists and what the connections prove. Connections are the truth, the
 * registry is a hint: only nodes with a live connection are picked, and one that is well is kept although the registry
 * has lost it.
 */
export class Nodes {
  /** What the registry last said; `stale` if it failed after it was known. */
  registry: { state: View['state'] | 'stale'; since: number; cause: string | undefined };
  /** Rises with every first or last connection of a node: who derives something from all nodes knows when to do it anew. */
  version = 0;
  readonly weights: Weights;
  readonly #options: NodesOptions;
  readonly #events: Events<ClientEvents>;
  readonly #all = new Map<string, Node>();
  readonly #live: Balancer<Node>;
  readonly #waiting: WaitingCalls;
  readonly #sweep: Timer;
  readonly #closing = new AbortController();
  #panicking = false;

  constructor(registry: Registry, options: NodesOptions, wheel: TimerWheel, events: Events<ClientEvents>) {
    const { clock, random } = options;
    this.#options = options;
    this.#events = events;
    this.registry = { state: 'pending', since: clock.wallTime(), cause: undefined };
    this.weights = new Weights(options.weights, random);
    this.#live = makeBalancer<Node>(options.balancer, random);
    const waiting = { max: options.maxWaiting, timeout: options.connectTimeout };
    this.#waiting = new WaitingCalls(clock, wheel, waiting, () => this.#whyNone());
    this.#sweep = every(clock, sweepInterval, () => this.#onSweep());
    void this.#watch(registry);
  }

  /** Nodes that can be picked. */
  get live(): number {
    return this.#live.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get panicking(): boolean {
    return this.#live.panicking;
  }

  [Symbol.iterator](): Iterator<Node> {
    return this.#all.values();
  }

  /** True if a node could be picked that is none of these. */
  hasOther(tried: readonly string[]): boolean {
    let left = this.#live.size;
    for (const id of new Set(tried)) if (this.#all.get(id)?.live) left--;
    return left > 0;
  }

  /** A node for a call, none of those already tried while another is left; `undefined` if there is none to be had now. */
  pick(tried: readonly string[]): Node | undefined {
    if (tried.length === 0) return this.#live.pick(none);
    return this.#live.pick(tried.map((id) => this.#all.get(id)).filter((node) => node !== undefined));
  }

  /** Resolves when there is a node to pick. */
  wait(call: Call): Promise<void> {
    return this.#waiting.wait(call);
  }

  /** Takes down what an attempt showed of a node. */
  fault(node: Node, cause: FaultCause, startedAt: number, attempt?: string): void {
    // What an attempt shows of a node that was forgotten says nothing of one that came back under its id.
    if (this.#all.get(node.id) !== node) return;
    this.#onWeight(node, this.weights.fault(node.id, cause, startedAt, this.#options.clock.now(), attempt));
  }

  succeed(node: Node): void {
    if (node.weight === node.endpoint.weight || this.#all.get(node.id) !== node) return;
    this.#onWeight(node, this.weights.success(node.id, this.#options.clock.now()));
  }

  /** Ends all connections after their calls, `grace` ms at most. Never rejects. */
  async close(grace: number): Promise<void> {
    this.#closing.abort();
    this.#sweep.cancel();
    this.#waiting.close(new RpcError('UNAVAILABLE', 'the client is closed', { stage: 'unsent', reason: 'NO_NODES' }));
    // A call that fails from here on finds no node to be sent to again.
    for (const node of this.#all.values()) this.#live.remove(node);
    await Promise.all(Array.from(this.#all.values(), (node) => node.links.stop(grace)));
  }

  async #watch(registry: Registry): Promise<void> {
    try {
      for await (const view of registry.watch(this.#closing.signal)) this.#onView(view);
    } catch (error) {
      this.#onView({ state: 'failed', cause: error as Error });
    }
  }

  #onView(view: View): void {
    if (this.#closing.signal.aborted) return;
    const { clock, log } = this.#options;
    const before = this.registry.state;
    const cause = view.state === 'failed' ? view.cause.message : undefined;
    const wasKnown = before === 'known' || before === 'stale';
    const state = view.state === 'failed' && wasKnown ? 'stale' : view.state;
    if (before !== state) this.registry = { state, since: clock.wallTime(), cause };
    if (view.state === 'known') this.#reconcile(view.endpoints);
    else if (view.state === 'failed' && before !== state) {
      log.warn({ cause }, 'the registry cannot be read: going on with the servers known');
      this.#events.emit('registry-stale', { cause: cause ?? '' });
    }
  }

  #reconcile(endpoints: readonly Endpoint[]): void {
    const listed = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    // The first nodes of all are no newcomers: there is nobody whose traffic they would take too fast.
    const slowStart = this.#live.size > 0;
    for (const node of this.#all.values()) if (!listed.has(node.id)) this.#onUnlisted(node, listed.size === 0);
    for (const endpoint of listed.values()) {
      try {
        this.#onListed(endpoint, slowStart);
      } catch (err) {
        // One entry that cannot be is no reason to lose the others.
        this.#options.log.warn({ err, node: endpoint.id }, 'the registry lists a server that cannot be used');
      }
    }
  }

  #onListed(endpoint: Endpoint, slowStart: boolean): void {
    const now = this.#options.clock.now();
    let known = this.#all.get(endpoint.id);
    if (known !== undefined && !known.isReachedBy(endpoint)) {
      this.#drop(known);
      known = undefined;
    }
    const change = this.weights.add(endpoint.id, endpoint.weight, now, { slowStart });
    if (known !== undefined) {
      known.unlistedSince = undefined;
      known.endpoint = endpoint;
      this.#onWeight(known, change);
      return;
    }
    const node = new Node(endpoint, this.#options, (self) => ({
      onChange: () => this.#onLinks(self),
      onFault: (cause, error, since) => {
        this.fault(self, cause, since, error.message);
        // A refused dial is evidence: what the registry lists no longer and nobody answers for is gone.
        if (cause === 'refused' && self.unlistedSince !== undefined && !self.live) this.#drop(self);
      },
    }));
    this.#all.set(node.id, node);
    this.#onWeight(node, change);
    node.links.start();
  }

  /**
   * The registry does not list a node any more. If it is well, that alone is no reason to leave it: its server says
   * DRAIN when it goes. A classic server has no such word; it is believed to be gone unless the whole list is.
   */
  #onUnlisted(node: Node, allGone: boolean): void {
    node.unlistedSince ??= this.#options.clock.now();
    const cannotSayDrain = node.endpoint.protocol === 'classic' && !allGone;
    if (cannotSayDrain || (!node.live && !allGone)) this.#drop(node);
  }

  #drop(node: Node): void {
    this.#all.delete(node.id);
    this.#live.remove(node);
    this.version++;
    this.weights.remove(node.id);
    this.#events.emit('left', { id: node.id });
    void node.links.stop(dropGrace);
    this.#checkPanic();
  }

  /** A node's first connection came, or its last one went. */
  #onLinks(node: Node): void {
    if (this.#all.get(node.id) !== node || this.#closing.signal.aborted) return;
    this.version++;
    if (node.live) {
      this.#live.add(node);
      this.#waiting.wake();
    } else {
      this.#live.remove(node);
      // One that was merely lost is dialled again first: a blip of the network is no evidence that it is gone.
      if (node.unlistedSince !== undefined && node.links.departed) this.#drop(node);
    }
    this.#checkPanic();
  }

  #onWeight(node: Node, change: WeightChange | undefined): void {
    if (change === undefined) return;
    node.weight = this.weights.weight(node.id);
    node.healthy = this.weights.healthy(node.id);
    this.#live.update(node);
    this.#events.emit('weight', change);
    this.#checkPanic();
  }

  #checkPanic(): void {
    if (this.#live.panicking === this.#panicking) return;
    this.#panicking = this.#live.panicking;
    this.#events.emit('panic', { on: this.#panicking });
    if (this.#panicking)
      this.#options.log.warn({ nodes: this.#live.size }, 'every server looks bad: picking evenly among all');
  }

  #onSweep(): void {
    const now = this.#options.clock.now();
    for (const change of this.weights.advance(now, this.#isAlive)) {
      const node = this.#all.get(change.id);
      if (node !== undefined) this.#onWeight(node, change);
    }
    for (const node of this.#all.values()) {
      if (node.unlistedSince !== undefined && now - node.unlistedSince > this.#options.retention) this.#drop(node);
      else this.#checkHeartbeat(node, now);
    }
  }

  /** A node whose every connection owes a sign of life has failed, once for each time that it falls silent. */
  #checkHeartbeat(node: Node, now: number): void {
    const silent = node.live && !node.links.alive;
    if (silent && !node.silent) this.fault(node, 'heartbeat', now);
    node.silent = silent;
  }

  readonly #isAlive = (id: string): boolean => this.#all.get(id)?.links.alive ?? false;

  #whyNone(): string {
    const { state, cause } = this.registry;
    if (this.#all.size === 0) {
      if (state === 'pending') return 'the registry has not answered yet';
      if (state === 'failed' || state === 'stale') return `the registry cannot be read: ${cause}`;
      return 'the registry lists none';
    }
    return Array.from(this.#all.values(), (node) => {
      const why = node.links.lastError?.message ?? (node.links.draining ? 'going away' : 'connecting');
      return `${node.id} (${address(node.endpoint)}): ${why}`;
    }).join('; ');
  }
}

const none: readonly Node[] = [];
