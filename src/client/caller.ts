import { type Call, compose, type Handler, type Metadata, noMetadata, OutgoingCall, type Reply } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import { Events } from '../core/events.ts';
import { currentCall, enableInheritance } from '../core/inherit.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { RetryBudget } from '../policy/budget.ts';
import { HedgeDelay } from '../policy/hedge.ts';
import { openRegistry } from '../registry/open.ts';
import type { Registry } from '../registry/registry.ts';
import { checkMetadata } from '../wire/metadata.ts';
import { balance } from './balance.ts';
import type { BreakerParts } from './breaker.ts';
import { breakerEvent, type ClientEvents } from './events.ts';
import type { FallbackParts } from './fallback.ts';
import { Links } from './links.ts';
import { type ClientMetrics, clientMetrics } from './metrics.ts';
import type { MakeLinks } from './node.ts';
import { Nodes } from './nodes.ts';
import { logNotice } from './notice.ts';
import { Notices } from './notices.ts';
import { type FilledConnectOptions, isAttempts, longestTimeout, mostAttempts } from './options.ts';
import { SettingsWatch } from './settings.ts';
import { clientStack } from './stack.ts';
import { type NodesView, view } from './view.ts';

export interface CallerCall {
  service: string;
  method: string;
  input: unknown;
  repeatable: boolean;
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  idempotencyKey?: string | undefined;
  attempts?: number | undefined;
  hashKey?: string | undefined;
  wantsEncoded?: boolean;
}

export interface CallerOptions extends FilledConnectOptions {
  /** By method, what stands in for its output when the service fails a call for good. Default: nothing. */
  fallbacks?: Readonly<Record<string, unknown>>;
}

/** How long closing the registry is waited for, ms. */
const registryPatience = 1_000;

/** Metadata key of the caller's promise that the server does the work once. */
export const idempotencyHeader = 'idempotency-key';

// Where a client can be made, and not only once one is: a handler that makes it in its first call inherits from then on.
enableInheritance();

/** A client without a face: the nodes, the stack, and the making of calls. `connect` and `connectRaw` stand on it. */
export class Caller {
  readonly events = new Events<ClientEvents>();
  readonly nodes: Nodes;
  readonly #options: CallerOptions;
  readonly #service: string | undefined;
  readonly #handler: Handler;
  readonly #budget: RetryBudget;
  readonly #hedges = new Map<string, HedgeDelay>();
  readonly #isMethod: (name: string) => boolean;
  readonly #notices: Notices;
  readonly #counted: ClientMetrics;
  readonly #ownRegistry: Registry | undefined;
  /** What is set for all clients goes over the options. */
  readonly #settings: SettingsWatch;
  /** Wall time at the clock's zero. Taken once: an instant shown twice is to be the same, to the millisecond. */
  readonly #epoch: number;
  #closed: Promise<void> | undefined;

  /**
   * @param service the service that must be there; `undefined` takes any
   * @param makeLinks the ways to a node. Default: evenkeel's own connections
   */
  constructor(
    options: CallerOptions,
    service: string | undefined,
    isMethod: (name: string) => boolean,
    makeLinks: MakeLinks = (endpoint, events) => new Links(endpoint, { ...options, service }, events),
  ) {
    this.#options = options;
    this.#service = service;
    this.#isMethod = isMethod;
    const { clock, random, metrics, log } = options;
    const wheel = new TimerWheel(clock);
    this.#epoch = clock.wallTime() - clock.now();
    this.#budget = new RetryBudget(options.budget);
    let registry: Registry;
    if (typeof options.registry === 'string') {
      const { registryAuth: auth, registryCache: cacheFile } = options;
      registry = openRegistry(options.registry, { clock, random, log, auth, cacheFile });
      this.#ownRegistry = registry;
    } else registry = options.registry;
    const counted = clientMetrics(metrics, this.events, { service, read: () => this.view() });
    this.#counted = counted;
    this.#notices = new Notices(this.events, clock);
    this.events.on('notice', (notice) => logNotice(log, notice));
    // Before the nodes: what is set of them should be known before the first is there to be picked.
    const settings = new SettingsWatch(registry, log, (now) => this.nodes.apply(now));
    this.#settings = settings;
    this.nodes = new Nodes(registry, makeLinks, options, wheel, this.events);
    const layers = clientStack({
      clock,
      wheel,
      random,
      metrics,
      isMethod,
      budget: this.#budget,
      get maxAttempts() {
        return settings.now.client.attempts ?? options.attempts;
      },
      hedge: (method) => ((settings.now.client.hedging ?? options.hedging) ? this.#hedge(method) : undefined),
      fallback: this.#fallback(wheel),
      breaker: this.#breaker(counted.onRejected),
      hasOther: (tried) => this.nodes.hasOther(tried),
      hasSecond: (tried) => this.nodes.hasSecond(tried),
      onRetry: counted.onRetry,
      onBudgetEmpty: (method) => {
        counted.onBudgetEmpty();
        this.events.emit('budget-empty', { method });
      },
    });
    this.#handler = compose(layers, balance(this.nodes, clock));
  }

  /** Makes a call. Rejects with an RpcError. */
  call(facts: CallerCall): Promise<Reply> {
    const parent = currentCall();
    try {
      const call = this.#prepare(facts, parent);
      return tied(this.#handler(call) as Promise<Reply>, call, parent, facts.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Waits for a server as a call would, and resolves with what is left of its time, ms. Rejects as the call would. */
  async reach(facts: CallerCall): Promise<number> {
    const parent = currentCall();
    const call = this.#prepare(facts, parent);
    if (this.nodes.live === 0) await tied(this.nodes.wait(call), call, parent, facts.signal);
    return Math.max(1, call.deadline - this.#options.clock.now());
  }

  /** Ends all connections when their calls are done, at the latest after `grace` ms. Never rejects. */
  close(grace: number): Promise<void> {
    this.#closed ??= this.#close(grace);
    return this.#closed;
  }

  async #close(grace: number): Promise<void> {
    const { clock, log } = this.#options;
    this.#settings.close();
    await this.nodes.close(grace);
    this.#notices.close();
    this.#counted.close();
    const late = new AbortController();
    try {
      await Promise.race([this.#ownRegistry?.close(), clock.sleep(registryPatience, late.signal)]);
    } catch (err) {
      log.warn({ err }, 'closing the registry failed');
    } finally {
      late.abort();
    }
  }

  view(): NodesView {
    const { clock } = this.#options;
    const now = clock.now();
    return view(this.nodes, this.#service, this.#budget, this.#settings.now, now, now + this.#epoch);
  }

  #prepare(facts: CallerCall, parent: Call | undefined): OutgoingCall {
    if (this.#closed !== undefined) {
      throw new RpcError('UNAVAILABLE', 'the client is closed', { stage: 'unsent', reason: 'NO_NODES' });
    }
    // Nobody waits for it: it must not run.
    if (parent?.cancelled !== undefined) throw parent.cancelled.with({ stage: 'unsent', mayHaveExecuted: false });
    if (facts.signal?.aborted) throw aborted(facts.signal).with({ stage: 'unsent' });
    const timeout = facts.timeout ?? this.#settings.now.client.timeout ?? this.#options.timeout;
    if (typeof timeout !== 'number' || !(timeout >= 1 && timeout <= longestTimeout)) {
      const message = `timeout is ${timeout}: expected 1 to ${longestTimeout} ms`;
      throw new RpcError('INVALID_ARGUMENT', message, { stage: 'unsent' });
    }
    const { attempts, hashKey, idempotencyKey } = facts;
    if (idempotencyKey !== undefined && (typeof idempotencyKey !== 'string' || idempotencyKey === '')) {
      const message = 'idempotencyKey is no text, or an empty one: expected a text that stands for the call';
      throw new RpcError('INVALID_ARGUMENT', message, { stage: 'unsent' });
    }
    if (hashKey !== undefined && typeof hashKey !== 'string') {
      throw new RpcError('INVALID_ARGUMENT', `hashKey is a ${typeof hashKey}: expected a text`, { stage: 'unsent' });
    }
    if (attempts !== undefined && !isAttempts(attempts)) {
      const message = `attempts is ${attempts}: expected a whole number from 1 to ${mostAttempts}, or Infinity`;
      throw new RpcError('INVALID_ARGUMENT', message, { stage: 'unsent' });
    }
    const since = this.#options.clock.now();
    const own = since + timeout;
    return new OutgoingCall({
      service: facts.service,
      method: facts.method,
      input: facts.input,
      since,
      deadline: parent === undefined ? own : Math.min(own, parent.deadline),
      repeatable: facts.repeatable || facts.idempotencyKey !== undefined,
      attempt: parent?.attempt ?? 1,
      metadata: metadataOf(facts),
      wantsEncoded: facts.wantsEncoded ?? false,
      maxAttempts: attempts,
      hashKey,
    });
  }

  #fallback(wheel: TimerWheel): FallbackParts | undefined {
    const { fallbacks = {}, clock } = this.#options;
    if (Object.keys(fallbacks).length === 0) return undefined;
    const onFallback = (method: string, error: RpcError) => this.events.emit('fallback', { method, error });
    return { clock, wheel, fallbacks, onFallback };
  }

  #breaker(onRejected: (method: string) => void): BreakerParts | undefined {
    const { breaker: options, connectTimeout: patience, clock, random } = this.#options;
    if (options === undefined) return undefined;
    return {
      clock,
      random,
      options,
      patience,
      isMethod: this.#isMethod,
      reachable: () => this.nodes.live > 0,
      hasOther: (node) => this.nodes.hasOther([node]),
      onState: (method, state) => this.events.emit('breaker', breakerEvent(method, state, clock.now())),
      onRejected,
    };
  }

  #hedge(method: string): HedgeDelay {
    // What is not known to be a method shares one: names that callers make up must not pile up here.
    const name = this.#isMethod(method) ? method : '';
    let delay = this.#hedges.get(name);
    if (delay === undefined) {
      delay = new HedgeDelay();
      this.#hedges.set(name, delay);
    }
    return delay;
  }
}

function metadataOf({ metadata, idempotencyKey }: CallerCall): Metadata {
  if (metadata === undefined && idempotencyKey === undefined) return noMetadata;
  return checkMetadata(idempotencyKey === undefined ? metadata : { ...metadata, [idempotencyHeader]: idempotencyKey });
}

/**
 * Cancels the call when the signal is aborted, or when the call that it is made for is cancelled: what nobody waits for is
 * not waited for either. Lets go of both when the call is over.
 */
function tied<T>(
  reply: Promise<T>,
  call: OutgoingCall,
  parent: Call | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (parent === undefined && signal === undefined) return reply;
  const onParent = (cause: RpcError) => call.cancel(cause.with({ stage: 'sent', mayHaveExecuted: false }));
  const onSignal = () => call.cancel(aborted(signal!));
  parent?.onCancel(onParent);
  signal?.addEventListener('abort', onSignal, { once: true });
  const release = () => {
    parent?.offCancel(onParent);
    signal?.removeEventListener('abort', onSignal);
  };
  return reply.finally(release);
}

/** Why a call is cancelled whose signal is aborted: an RpcError's own words, but not how far another call got. */
function aborted({ reason: cause }: AbortSignal): RpcError {
  const facts = { stage: 'sent', mayHaveExecuted: false, cause } as const;
  if (!RpcError.is(cause)) return new RpcError('CANCELLED', 'the caller has cancelled', facts);
  return new RpcError(cause.code, cause.message, { ...facts, reason: cause.reason });
}
