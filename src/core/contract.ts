import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Call, Metadata } from './call.ts';
import type { RpcError } from './error.ts';
import type { Log } from './log.ts';

/**
 * What a method takes and gives. Schemas are any Standard Schema: zod, valibot, arktype.
 *
 * Values travel as JSON, and a schema does not change that: it is checked on the server, before the handler and after it.
 * Where it describes what JSON does not have, the types of the client say what will not come: with `output: z.date()` the
 * caller gets a text. Use `z.iso.datetime()` there, and `z.coerce.date()` for inputs.
 */
export interface Method<
  In extends StandardSchemaV1 = StandardSchemaV1,
  Out extends StandardSchemaV1 = StandardSchemaV1,
> {
  /** Checked on the server before the handler runs. Default: anything. */
  readonly input?: In;
  /** Checked on the server before the reply is sent. Default: anything. */
  readonly output?: Out;
  /** True if running it twice does no more than running it once: then a call may be sent again, or to two nodes. */
  readonly idempotent: boolean;
  /**
   * True if it takes so little work that it runs beside the event loop even where the others run in worker threads.
   * Default false.
   */
  readonly inline?: boolean;
  /** Names of the input's fields for callers that send an array: `['a', 'b']` makes `[1, 2]` into `{ a: 1, b: 2 }`. */
  readonly positional?: readonly string[];
}

export type Methods = Readonly<Record<string, Method>>;

/** A contract: the names of a service and its methods, shared by client and server. */
export interface Service<M extends Methods = Methods> {
  readonly name: string;
  readonly methods: M;
}

/** What a client method takes besides the input. */
export interface CallOptions {
  /** How long to wait for the answer, all attempts together, ms. Default 5,000; 1..2^31-1. Never longer than the caller's own deadline. */
  timeout?: number;
  /** Cancels the call, on the server as well. */
  signal?: AbortSignal;
  /** Text beside the call. Keys are lower case letters, digits, `-`, `_` and `.`. Default: none. */
  metadata?: Readonly<Record<string, string>>;
  /**
   * The caller's promise that the server does the work only once for this key, so that the call may be sent again. The handler
   * finds it in its metadata as `idempotency-key`, and it alone sees to that: evenkeel removes no duplicates. A text, not
   * empty, of one line.
   */
  idempotencyKey?: string;
  /**
   * How many nodes the call may reach. Default: the client's `attempts`, 3; 1..1,000 or `Infinity`. 1 is failfast: no retry and no
   * hedge, the first failure is the caller's. A node that did not start it was not reached.
   */
  attempts?: number;
  /** With the balancer `hash`: calls of one key go to one node, as long as it is well. Other balancers ignore it. */
  hashKey?: string;
}

/** What a handler gets besides the input. */
export interface HandlerContext {
  /** Aborted when the caller is gone, has cancelled or the deadline has passed. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting: an instant on the local clock, comparable with `performance.now()`, ms. */
  readonly deadline: number;
  /** Text beside the call; `idempotency-key` is the caller's `idempotencyKey`. */
  readonly metadata: Metadata;
  /** Who calls. */
  readonly peer: Peer;
  readonly log: Log;
}

export interface Peer {
  /** `host:port` of the other end of the connection. */
  readonly address: string;
}

type InputOf<M> = M extends { readonly input: infer S extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<S>
  : unknown;
type ParsedInputOf<M> = M extends { readonly input: infer S extends StandardSchemaV1 }
  ? StandardSchemaV1.InferOutput<S>
  : unknown;
type OutputOf<M> = M extends { readonly output: infer S extends StandardSchemaV1 }
  ? StandardSchemaV1.InferOutput<S>
  : unknown;
type HandlerOutputOf<M> = M extends { readonly output: infer S extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<S>
  : unknown;

/** The functions that do a service's work. */
export type Handlers<M extends Methods = Methods> = {
  readonly [K in keyof M]: (
    input: ParsedInputOf<M[K]>,
    context: HandlerContext,
  ) => HandlerOutputOf<M[K]> | Promise<HandlerOutputOf<M[K]>>;
};

/** The functions that call a service. */
export type Calls<M extends Methods = Methods> = {
  readonly [K in keyof M]: CallOf<InputOf<M[K]>, OutputOf<M[K]>>;
};

/** An input that may be undefined, or anything, may be left out. */
type CallOf<I, O> = undefined extends I
  ? (input?: I, options?: CallOptions) => Promise<O>
  : (input: I, options?: CallOptions) => Promise<O>;

/** What the type system takes for a value of a fallback: where the output is not known, anything that is no function. */
type ValueOf<O> = unknown extends O ? NonNullable<unknown> | null | undefined : O;

/**
 * What a client gives its callers instead of an answer when the service fails a call for good: by method a value, or a
 * function of the input and the error that makes one.
 */
export type Fallbacks<M extends Methods = Methods> = {
  readonly [K in keyof M]?:
    | ValueOf<OutputOf<M[K]>>
    | ((input: InputOf<M[K]>, error: RpcError) => OutputOf<M[K]> | Promise<OutputOf<M[K]>>);
};

/** What a module for `evenkeel serve ./module.ts` exports by default. */
export interface ServiceModule<M extends Methods = Methods> {
  service: Service<M>;
  handlers: Handlers<M>;
  /** Runs once a process, before the server is announced: fill caches, let the compiler warm up. */
  warmUp?: () => void | Promise<void>;
  /**
   * Asked by the built-in method `health`, by every client every few seconds, whether the service can do its work. It
   * cannot if this
   * - throws or rejects,
   * - has not answered after 5 s,
   * - gives `false`, or a text that says what is wrong,
   * - gives an object whose `status` is not one of the words below; its `message` may say what is wrong.
   *
   * Then `health` fails with UNAVAILABLE, reason UNHEALTHY, and clients send the server less until it is well. It is well
   * if this gives anything else: nothing, `true`, facts without a `status`, or one of the words `ok`, `up`, `pass`,
   * `healthy` and `serving`, alone or as the `status`. That is what `health` answers then; `{ status: 'ok' }` for nothing.
   * What is given reaches the caller, and so does an RpcError that is thrown; of anything else that is thrown only the log
   * hears.
   *
   * It runs beside the event loop also where handlers run in worker threads, so that it answers while they are busy: what
   * it sees is the process's own copy of the module. It must not block. However many ask, it runs once at a time.
   */
  health?: () => unknown;
}

/** Names a client has for itself, and the method that every service has. */
const reserved = new Set(['then', 'close', 'nodes', 'on', 'health']);
const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** A method with the schemas that were given, each of its own type. */
type MethodWith<In, Out> = Omit<Method, 'input' | 'output'> &
  (In extends StandardSchemaV1 ? { readonly input: In } : unknown) &
  (Out extends StandardSchemaV1 ? { readonly output: Out } : unknown);

/** Describes a method. Not idempotent unless it says so; what it takes or gives is anything where there is no schema for it. */
export function method<
  In extends StandardSchemaV1 | undefined = undefined,
  Out extends StandardSchemaV1 | undefined = undefined,
>(
  facts: { input?: In; output?: Out; idempotent?: boolean; inline?: boolean; positional?: readonly string[] } = {},
): MethodWith<In, Out> {
  return { ...facts, idempotent: facts.idempotent ?? false } as unknown as MethodWith<In, Out>;
}

/** Describes a service. Throws when a name cannot be used. */
export function service<const M extends Methods>(name: string, methods: M): Service<M> {
  if (!namePattern.test(name)) throw new TypeError(`"${name}" cannot name a service: expected ${namePattern}`);
  for (const method of Object.keys(methods)) {
    // What every object has is no handler, whatever it is called.
    if (reserved.has(method) || method in Object.prototype)
      throw new TypeError(`"${method}" cannot name a method: it is reserved`);
    if (!namePattern.test(method)) throw new TypeError(`"${method}" cannot name a method: expected ${namePattern}`);
  }
  return { name, methods };
}

/** What is wrong with the handlers of a service, in words; undefined if each method has one, and nothing else has. */
export function handlersFlaw({ name, methods }: Service, handlers: object): string | undefined {
  const names = Object.keys(methods);
  const missing = names.find((method) => typeof (handlers as Record<string, unknown>)[method] !== 'function');
  if (missing !== undefined) return `no handler for method "${missing}"`;
  const strange = Object.keys(handlers).filter((method) => !Object.hasOwn(methods, method));
  if (strange.length === 0) return undefined;
  return `handlers for what is no method of "${name}": ${strange.join(', ')}; its methods are ${names.join(', ')}`;
}

/** True if the method of that name may be repeated. What is not known is not. `health` and `ping`-like checks say so themselves. */
export function isIdempotent(service: Service, method: string): boolean {
  return method === 'health' || (Object.hasOwn(service.methods, method) && service.methods[method]!.idempotent);
}

/** What a handler's context needs of a call. */
export type CallWithPeer = Call & { readonly peer: Peer };
