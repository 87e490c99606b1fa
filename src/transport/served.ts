import type { Handler } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { Load } from '../core/load.ts';
import type { Log } from '../core/log.ts';
import type { Hello } from '../wire/hello.ts';
import type { Limits } from '../wire/limits.ts';
import type { IncomingCall } from './incoming.ts';

/** The server's end of a connection, in either protocol. */
export interface ServedConnection {
  /** Calls at work. */
  readonly inFlight: number;
  /** Bytes written for the peer that it has not taken yet. */
  readonly unread: number;
  /** When the peer was last seen not to let us wait (on the clock, ms), as of the last `check`. */
  readonly lastProgress: number;
  /** Asks the client to take new calls elsewhere, and serves those that come all the same. */
  drain(): void;
  /** Starts no more calls. Ends by itself when those at work are answered. */
  refuse(): void;
  /** Looks whether the peer keeps to the time limits, and ends the connection if it does not. Called every second or so. */
  check(now: number): void;
  /** Called instead of `check` after this process was stopped for a while: its peers are not late with anything. */
  excuse(now: number): void;
  /** Ends at once; for the peer's fault, if there is a cause. */
  destroy(cause?: RpcError): void;
}

/** What every connection of a listener is served with. */
export interface ServedOptions {
  handler: Handler;
  clock: Clock;
  limits: Limits;
  log: Log;
  /** What the server is now. Read for each new connection. */
  hello(): Hello;
  /** Read for each PONG. */
  load(): Load;
  onClose(): void;
}

/** A peer that broke a rule: a line for people who look for it, no more, or a port scan could fill the disk. */
export function logBadPeer(log: Log, peer: string, error: RpcError): void {
  log.debug({ peer, code: error.code, reason: error.reason }, `closed a connection: ${error.message}`);
}

/**
 * Why an answer could not be written. The caller did nothing wrong if the handler gave what cannot be said: whoever wrote
 * the handler hears of it too.
 */
export function unanswerable(cause: unknown, call: Pick<IncomingCall, 'method' | 'peer'>, log: Log): RpcError {
  log.error({ err: cause, method: call.method, peer: call.peer.address }, 'what a handler gave cannot be sent');
  const error = RpcError.from(cause);
  if (error.reason === 'TOO_LARGE') return error.with({ stage: 'answered', mayHaveExecuted: true });
  return new RpcError('INTERNAL', `the handler's answer: ${error.message}`, { cause, mayHaveExecuted: true });
}
