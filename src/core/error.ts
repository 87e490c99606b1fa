import { type Code, isCode, type Reason } from './code.ts';

/**
 * How far a call got before it failed: what decides whether it may be sent again.
 *
 * - `unsent`: no byte of it was given to a connection. Sending it elsewhere is always safe.
 * - `refused`: the server said that it did not start it. Safe as well.
 * - `sent`: it went out and no answer came. It may have run: safe only if it is idempotent.
 * - `answered`: the server's own answer. Never sent again.
 */
export type Stage = 'unsent' | 'refused' | 'sent' | 'answered';

/** One try of a call on one node, as the caller may read it in `RpcError.attempts`. */
export interface Attempt {
  /** Id of the node. */
  node: string;
  /** What happened there: `ok`, or the code, a slash and the reason, e.g. `UNAVAILABLE/CONNECTION_LOST`. */
  outcome: string;
  /** How long it took, ms, in tenths. */
  duration: number;
}

export interface RpcErrorOptions {
  reason?: Reason | undefined;
  cause?: unknown;
  stage?: Stage;
  mayHaveExecuted?: boolean;
  attempts?: readonly Attempt[];
  retryAfter?: number | undefined;
  service?: string | undefined;
  method?: string | undefined;
}

const brand = Symbol.for('evenkeel.RpcError');

/**
 * The one error that calls fail with. A handler throws it to answer with a code of its choice; it reaches the caller
 * whole: code, reason and message. Anything else that a handler throws reaches the caller as INTERNAL, reason UNHANDLED,
 * without its text.
 */
export class RpcError extends Error {
  declare readonly name: 'RpcError';
  readonly code: Code;
  /** A finer word than the code, if there is one. */
  readonly reason: Reason | undefined;
  /**
   * True if the work may have been done, in whole or in part, although no result came: then only what is idempotent, or has
   * a key, may be called again.
   *
   * Of an error that a handler throws it is false, unless the handler says otherwise: an RpcError is an answer, and the usual
   * one ("no such thing", "not allowed") says that nothing was done. A handler that fails after it has changed something
   * throws it with `mayHaveExecuted: true`.
   */
  readonly mayHaveExecuted: boolean;
  /** How far the call got. Local knowledge: it does not cross the wire. */
  readonly stage: Stage;
  /** The nodes that were tried, in order. */
  readonly attempts: readonly Attempt[];
  /** How long a caller should wait before it tries again, ms, if the server said. */
  readonly retryAfter: number | undefined;
  /** On the caller's side: what was called. It does not cross the wire. */
  readonly service: string | undefined;
  readonly method: string | undefined;

  constructor(code: Code, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = options.reason;
    this.stage = options.stage ?? 'answered';
    this.mayHaveExecuted = options.mayHaveExecuted ?? this.stage === 'sent';
    this.attempts = options.attempts ?? [];
    this.retryAfter = options.retryAfter;
    this.service = options.service;
    this.method = options.method;
    Object.defineProperty(this, brand, { value: true });
  }

  /** The code, and the reason behind a slash if there is one. */
  get label(): string {
    return this.reason === undefined ? this.code : `${this.code}/${this.reason}`;
  }

  /** This error with other facts. The stack stays the first one's, where it happened. */
  with(options: RpcErrorOptions): RpcError {
    const copy = this.#copy(options);
    if (this.stack !== undefined) copy.stack = this.stack;
    return copy;
  }

  /**
   * This error as the caller of a method gets it: it names the method, and its stack is that of where this is called. In an
   * async function that a user's function awaits, that stack names the user's line, and costs nothing until something fails;
   * where a socket found out says nothing to anybody. An error that names a method already stays as it is.
   */
  of(service: string, method: string): RpcError {
    if (this.method !== undefined) return this;
    const copy = this.#copy({ service, method });
    const { stack } = copy;
    // The engine writes name and message at its head, whatever `toString` says; then come this function and the next.
    const head = `${copy.name}: ${copy.message}`;
    if (stack?.startsWith(head)) copy.stack = [copy, ...stack.slice(head.length).split('\n').slice(3)].join('\n');
    return copy;
  }

  #copy(options: RpcErrorOptions): RpcError {
    return new RpcError(this.code, this.message, {
      reason: this.reason,
      cause: this.cause,
      stage: this.stage,
      mayHaveExecuted: this.mayHaveExecuted,
      attempts: this.attempts,
      retryAfter: this.retryAfter,
      service: this.service,
      method: this.method,
      ...options,
    });
  }

  override toString(): string {
    if (this.method === undefined) return super.toString();
    const what = this.service ? `${this.service}.${this.method}` : this.method;
    return `${this.name}: ${what}: ${this.label}: ${this.message}`;
  }

  /** True for an RpcError of any copy of this package, which `instanceof` is not. */
  static is(value: unknown): value is RpcError {
    return typeof value === 'object' && value !== null && brand in value && isCode((value as unknown as RpcError).code);
  }

  /** The single door for what came from outside: an RpcError as it is, all else as INTERNAL, reason UNHANDLED. */
  static from(value: unknown): RpcError {
    if (RpcError.is(value)) return value;
    return new RpcError('INTERNAL', 'the handler failed', { reason: 'UNHANDLED', cause: value, mayHaveExecuted: true });
  }
}

// Not a field, which every error would show as a fact of its own.
Object.defineProperty(RpcError.prototype, 'name', { value: 'RpcError', configurable: true, writable: true });
