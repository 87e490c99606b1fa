/**
 * A request that failed.
 *
 * - `LOST`: the connection ended or the answer did not come in time. What was asked may have happened.
 * - `NOT_OURS`: the node is there, but does not belong to our secret alone.
 * - all others are the server's own words, e.g. `NO_NODE`, `NODE_EXISTS`, `NO_AUTH`: it did not happen.
 */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** True if the server answered with this word. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof ZooKeeperError && error.code === code;
}

/** A connection attempt that failed. */
export class DialError extends Error {
  override readonly name = 'DialError';
  /**
   * How far it came: `unreachable` = no TCP connection; `unanswered` = one, but no session on it; `expired` = the
   * server said that the session is over.
   */
  readonly stage: 'unreachable' | 'unanswered' | 'expired';

  constructor(stage: DialError['stage'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.stage = stage;
  }
}
