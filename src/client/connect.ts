import {
  type CallOptions,
  type Calls,
  type Fallbacks,
  isIdempotent,
  type Methods,
  type Service,
} from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { Caller } from './caller.ts';
import type { ClientEvents } from './events.ts';
import { type ConnectOptions, connectOptions } from './options.ts';
import type { NodesView } from './view.ts';

/** How long the calls at work may go on when a client is closed, ms, unless it is told otherwise. */
const closeGrace = 5_000;

interface ClientFace {
  /** What is known of the servers now. */
  nodes(): NodesView;
  /** Calls `listener` at each event of that name. Returns what ends it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (fact: ClientEvents[Name]) => void): () => void;
  /** Takes no new calls, lets those at work finish for at most `grace` ms (default 5,000), then ends. Never rejects. */
  close(grace?: number): Promise<void>;
}

/** A service that is somewhere else: its methods as functions. */
export type Client<M extends Methods> = Calls<M> &
  ClientFace & {
    /** Asks one server whether it can do its work. */
    health(input?: null, options?: CallOptions): Promise<unknown>;
  } & AsyncDisposable;

/** How a service is called whose contract is known. */
export interface ClientOptions<M extends Methods> extends ConnectOptions {
  /**
   * What callers get instead of an error when the service fails a call for good (UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL or
   * OVERLOADED), or the circuit of the method is open: by method a value, or a function `(input, error) =>` value or promise,
   * which may take what is left of the call's time, at least 1 s. The client's event `fallback` says so. Default: none.
   */
  fallbacks?: Fallbacks<M>;
}

/**
 * Connects to a service. Returns at once: the first call waits until a server is found. Throws where an option or the
 * registry's URL is wrong.
 */
export function connect<M extends Methods>(service: Service<M>, options: ClientOptions<M>): Client<M> {
  const names = new Set([...Object.keys(service.methods), 'health']);
  const fallbacks = checkFallbacks(service, options.fallbacks ?? {});
  const caller = new Caller({ ...connectOptions(options), fallbacks }, service.name, (name) => names.has(name));
  const close = (grace = closeGrace) => caller.close(grace);
  const client: Record<PropertyKey, unknown> = {
    nodes: () => caller.view(),
    on: caller.events.on.bind(caller.events),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
  for (const method of names) {
    const repeatable = isIdempotent(service, method);
    client[method] = async (input: unknown, given?: CallOptions) => {
      try {
        return (await caller.call({ ...given, service: service.name, method, input, repeatable })).output;
      } catch (error) {
        throw RpcError.from(error).of(service.name, method);
      }
    };
  }
  return client as Client<M>;
}

function checkFallbacks(service: Service, fallbacks: object): Readonly<Record<string, unknown>> {
  for (const name of Object.keys(fallbacks)) {
    if (Object.hasOwn(service.methods, name)) continue;
    const methods = Object.keys(service.methods).join(', ');
    throw new TypeError(
      `option "fallbacks" names "${name}", which is no method of "${service.name}": expected ${methods}`,
    );
  }
  return fallbacks as Readonly<Record<string, unknown>>;
}
