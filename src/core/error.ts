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
  /** How long it took, ms. */
  duration: number;
}

export interface RpcErrorOptions {
  reason?: Reason | undefined;
  cause?: unknown;
  stage?: Stage;
  mayHaveExecuted?: boolean;
  attempts?: readonly Attempt[];
  retryAfter?: number | undefined;
}

const brand = Symbol.for('evenkeel.RpcError');

/**
 * The one error that calls fail with. A handler throws it to answer with a code of its choice; it reaches the caller
 * whole: code, reason and message. Anything else that a handler throws reaches the caller as INTERNAL, reason UNHANDLED,
 * without its text.
 */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: Code;
  /** A finer word than the code, if there is one. */
  readonly reason: Reason | undefined;
  /** True if the handler may have run although no result came: then only an idempotent call may be made again. */
  readonly mayHaveExecuted: boolean;
  /** How far the call got. Local knowledge: it does not cross the wire. */
  readonly stage: Stage;
  /** The nodes that were tried, in order. */
  readonly attempts: readonly Attempt[];
  /** How long a caller should wait before it tries again, ms, if the server said. */
  readonly retryAfter: number | undefined;

  constructor(code: Code, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.reason = options.reason;
    this.stage = options.stage ?? 'answered';
    this.mayHaveExecuted = options.mayHaveExecuted ?? this.stage === 'sent';
    this.attempts = options.attempts ?? [];
    this.retryAfter = options.retryAfter;
    Object.defineProperty(this, brand, { value: true });
  }

  /** The code, and the reason behind a slash if there is one. */
  get label(): string {
    return this.reason === undefined ? this.code : `${this.code}/${this.reason}`;
  }

  /** This error with other facts. The stack stays the first one's, where it happened. */
  with(options: RpcErrorOptions): RpcError {
    const copy = new RpcError(this.code, this.message, {
      reason: this.reason,
      cause: this.cause,
      stage: this.stage,
      mayHaveExecuted: this.mayHaveExecuted,
      attempts: this.attempts,
      retryAfter: this.retryAfter,
      ...options,
    });
    if (this.stack !== undefined) copy.stack = this.stack;
    return copy;
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
