import { compose, type Handler, type Metadata, noMetadata, OutgoingCall, type Reply } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import { Events } from '../core/events.ts';
import { currentCall } from '../core/inherit.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { RetryBudget } from '../policy/budget.ts';
import { HedgeDelay } from '../policy/hedge.ts';
import { openRegistry } from '../registry/open.ts';
import type { Registry } from '../registry/registry.ts';
import { checkMetadata } from '../wire/metadata.ts';
import { balance } from './balance.ts';
import type { ClientEvents } from './events.ts';
import { clientMetrics } from './metrics.ts';
import { Nodes } from './nodes.ts';
import { type FilledConnectOptions, longestTimeout } from './options.ts';
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
  wantsEncoded?: boolean;
}

/** Metadata key of the caller's promise that the server does the work once. */
export const idempotencyHeader = 'idempotency-key';

/** A client without a face: the nodes, the stack, and the making of calls. `connect` and `connectRaw` stand on it. */
export class Caller {
  readonly events = new Events<ClientEvents>();
  readonly nodes: Nodes;
  readonly #options: FilledConnectOptions;
  readonly #service: string | undefined;
  readonly #handler: Handler;
  readonly #budget: RetryBudget;
  readonly #hedges = new Map<string, HedgeDelay>();
  readonly #ownRegistry: Registry | undefined;
  #closed: Promise<void> | undefined;

  /** @param service the service that must be there; `undefined` takes any */
  constructor(options: FilledConnectOptions, service: string | undefined, isMethod: (name: string) => boolean) {
    this.#options = options;
    this.#service = service;
    const { clock, random, metrics, log } = options;
    const wheel = new TimerWheel(clock);
    this.#budget = new RetryBudget(options.budget);
    let registry: Registry;
    if (typeof options.registry === 'string') {
      const { registryAuth: auth, registryCache: cacheFile } = options;
      registry = openRegistry(options.registry, { clock, random, log, auth, cacheFile });
      this.#ownRegistry = registry;
    } else registry = options.registry;
    const counted = clientMetrics(metrics, this.events);
    this.nodes = new Nodes(registry, { ...options, service }, wheel, this.events);
    const layers = clientStack({
      clock,
      wheel,
      random,
      metrics,
      isMethod,
      budget: this.#budget,
      maxAttempts: options.attempts,
      hedge: options.hedging ? (method) => this.#hedge(method) : undefined,
      nodes: () => this.nodes.live,
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
    try {
      const call = this.#prepare(facts);
      const { signal } = facts;
      const reply = this.#handler(call) as Promise<Reply>;
      return signal === undefined ? reply : tied(reply, call, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Waits for a server as a call would, and resolves with what is left of its time, ms. Rejects as the call would. */
  async reach(facts: CallerCall): Promise<number> {
    const call = this.#prepare(facts);
    if (this.nodes.live === 0) {
      const found = this.nodes.wait(call);
      await (facts.signal === undefined ? found : tied(found, call, facts.signal));
    }
    return Math.max(1, call.deadline - this.#options.clock.now());
  }

  /** Ends all connections when their calls are done, at the latest after `grace` ms. Never rejects. */
  close(grace: number): Promise<void> {
    this.#closed ??= this.nodes.close(grace).then(() => this.#ownRegistry?.close());
    return this.#closed;
  }

  view(): NodesView {
    const { clock } = this.#options;
    return view(this.nodes, this.#service, this.#budget, clock.now(), clock.wallTime());
  }

  #prepare(facts: CallerCall): OutgoingCall {
    if (this.#closed !== undefined) {
      throw new RpcError('UNAVAILABLE', 'the client is closed', { stage: 'unsent' });
    }
    const timeout = facts.timeout ?? this.#options.timeout;
    if (!(timeout >= 1 && timeout <= longestTimeout)) {
      const message = `timeout is ${timeout}: expected 1 to ${longestTimeout} ms`;
      throw new RpcError('INVALID_ARGUMENT', message, { stage: 'unsent' });
    }
    const parent = currentCall();
    const own = this.#options.clock.now() + timeout;
    const call = new OutgoingCall({
      service: facts.service,
      method: facts.method,
      input: facts.input,
      deadline: parent === undefined ? own : Math.min(own, parent.deadline),
      repeatable: facts.repeatable || facts.idempotencyKey !== undefined,
      attempt: parent?.attempt ?? 1,
      metadata: metadataOf(facts),
      wantsEncoded: facts.wantsEncoded ?? false,
    });
    // Work for a call nobody waits for any more is not waited for either.
    parent?.onCancel((cause) => call.cancel(cause));
    return call;
  }

  #hedge(method: string): HedgeDelay {
    let delay = this.#hedges.get(method);
    if (delay === undefined) {
      delay = new HedgeDelay();
      this.#hedges.set(method, delay);
    }
    return delay;
  }
}

function metadataOf({ metadata, idempotencyKey }: CallerCall): Metadata {
  if (metadata === undefined && idempotencyKey === undefined) return noMetadata;
  return checkMetadata(idempotencyKey === undefined ? metadata : { ...metadata, [idempotencyHeader]: idempotencyKey });
}

/** Cancels the call when the signal is aborted, and lets go of the signal when the call is over. */
function tied<T>(reply: Promise<T>, call: OutgoingCall, signal: AbortSignal): Promise<T> {
  const abort = () => {
    const { reason } = signal;
    call.cancel(
      RpcError.is(reason)
        ? reason
        : new RpcError('CANCELLED', 'the caller has cancelled', {
            stage: 'sent',
            cause: reason,
            mayHaveExecuted: false,
          }),
    );
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return reply.finally(() => signal.removeEventListener('abort', abort));
}
