import type { RpcError } from './error.ts';

/** Small facts beside a call or a reply, as text. Keys are lower case; objects have no prototype. */
export type Metadata = Readonly<Record<string, string>>;

export const noMetadata: Metadata = Object.freeze(Object.create(null));

/** A message whose bytes are passed on as they are: what a gateway carries through without looking inside. */
export class Encoded {
  readonly codec: string;
  readonly bytes: Uint8Array;
  constructor(codec: string, bytes: Uint8Array) {
    this.codec = codec;
    this.bytes = bytes;
  }
}

/** One call, on either side of the wire. What it may not need (signal, metadata, input) is made when it is asked for. */
export interface Call {
  readonly service: string;
  readonly method: string;
  readonly input: unknown;
  /** When the caller stops waiting: an instant on the local clock (`Clock.now`), ms. */
  readonly deadline: number;
  /** When this side got it (`Clock.now`, ms): the rooms that it passes need not each ask for the time. */
  readonly since: number;
  /** 1 for the first time this call is sent, on any layer of the way; more for a retry or a hedge. */
  readonly attempt: number;
  /** True if it may be sent again after it may have run: the method is idempotent, or the caller gave a key. */
  readonly repeatable: boolean;
  readonly metadata: Metadata;
  /** Aborted when the call is cancelled, with the RpcError that says why. */
  readonly signal: AbortSignal;
  /** True if the reply's message is wanted as `Encoded`. */
  readonly wantsEncoded: boolean;
  /** Set once the call was cancelled. */
  readonly cancelled: RpcError | undefined;
  /** Ends the interest in the call. Whoever works on it stops. Only the first time counts. */
  cancel(cause: RpcError): void;
  /** Calls `listener` when the call is cancelled; at once if it was. */
  onCancel(listener: (cause: RpcError) => void): void;
  /** Forgets a listener, for those who are done long before the call is. One that is not there is none of its business. */
  offCancel(listener: (cause: RpcError) => void): void;
}

export interface Reply {
  output: unknown;
  metadata?: Metadata;
  /** Client side: when it came in (`Clock.now`, ms). */
  at?: number;
  /** Client side: id of the node that answered. */
  node?: string;
  /** Client side: how many times the call was sent. */
  attempts?: number;
}

/** The one verb, the same on both sides. */
export type Handler = (call: Call) => Reply | Promise<Reply>;

/** Wraps a handler: the rooms that a call passes on its way. */
export type Layer = (next: Handler) => Handler;

/** Stacks layers on a handler. The first is the outermost: it sees the call first and the reply last. */
export function compose(layers: readonly Layer[], handler: Handler): Handler {
  return layers.reduceRight((next, layer) => layer(next), handler);
}

/** The cancelling half of a call, shared by both sides. A signal costs as much as a whole call: it is made on demand. */
export abstract class Cancellable {
  cancelled: RpcError | undefined;
  /** True once its handler is done: what the handler started and left behind goes on by itself. */
  ended = false;
  #first: ((cause: RpcError) => void) | undefined;
  /** A call has two listeners as a rule, its tries' owner and its connection: a set for them would cost more than both. */
  #second: ((cause: RpcError) => void) | undefined;
  #more: Set<(cause: RpcError) => void> | undefined;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.cancelled !== undefined) this.#controller.abort(this.cancelled);
    }
    return this.#controller.signal;
  }

  cancel(cause: RpcError): void {
    if (this.cancelled !== undefined) return;
    this.cancelled = cause;
    this.#first?.(cause);
    this.#second?.(cause);
    if (this.#more !== undefined) for (const listener of this.#more) listener(cause);
    this.#controller?.abort(cause);
  }

  onCancel(listener: (cause: RpcError) => void): void {
    if (this.cancelled !== undefined) listener(this.cancelled);
    else if (this.#first === undefined) this.#first = listener;
    else if (this.#second === undefined) this.#second = listener;
    else if (this.#more === undefined) this.#more = new Set([listener]);
    else this.#more.add(listener);
  }

  offCancel(listener: (cause: RpcError) => void): void {
    if (this.#first === listener) this.#first = undefined;
    else if (this.#second === listener) this.#second = undefined;
    else this.#more?.delete(listener);
  }
}

export interface CallFacts {
  service: string;
  method: string;
  input: unknown;
  since: number;
  deadline: number;
  repeatable: boolean;
  attempt?: number;
  metadata?: Metadata;
  wantsEncoded?: boolean;
  tried?: readonly string[];
  maxAttempts?: number | undefined;
  hashKey?: string | undefined;
}

const none: readonly string[] = [];

/** A call as the client makes it. */
export class OutgoingCall extends Cancellable implements Call {
  readonly service: string;
  readonly method: string;
  readonly input: unknown;
  readonly since: number;
  readonly deadline: number;
  readonly repeatable: boolean;
  readonly attempt: number;
  readonly metadata: Metadata;
  readonly wantsEncoded: boolean;
  /** How many nodes it may reach, where it says so itself. */
  readonly maxAttempts: number | undefined;
  /** What the balancer `hash` goes by. */
  readonly hashKey: string | undefined;
  /** Ids of the nodes that other tries of this call were sent to. */
  readonly tried: readonly string[];
  /** Id of the node that this try was sent to, once it was, and when. */
  node: string | undefined;
  sentAt: number | undefined;

  constructor(facts: CallFacts) {
    super();
    this.tried = facts.tried ?? none;
    this.node = undefined;
    this.sentAt = undefined;
    this.service = facts.service;
    this.method = facts.method;
    this.input = facts.input;
    this.since = facts.since;
    this.deadline = facts.deadline;
    this.repeatable = facts.repeatable;
    this.attempt = facts.attempt ?? 1;
    this.metadata = facts.metadata ?? noMetadata;
    this.wantsEncoded = facts.wantsEncoded ?? false;
    this.maxAttempts = facts.maxAttempts;
    this.hashKey = facts.hashKey;
  }

  /** The same call once more, as a try of its own that can be cancelled apart. */
  again(since: number, attempt: number, tried: readonly string[]): OutgoingCall {
    const { service, method, input, deadline, repeatable, metadata, wantsEncoded, hashKey } = this;
    const facts = { service, method, input, deadline, repeatable, metadata, wantsEncoded, hashKey };
    return new OutgoingCall({ ...facts, since, attempt, tried });
  }
}
