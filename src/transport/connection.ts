import type { Call, Reply } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { RpcError } from '../core/error.ts';
import type { ReportedLoad } from '../core/load.ts';
import type { Random } from '../core/random.ts';
import type { Hello } from '../wire/hello.ts';
import type { Limits } from '../wire/limits.ts';
import type { HeartbeatOptions } from './heartbeat.ts';

/** What every connection of a client is made with. */
export interface ConnectionOptions {
  clock: Clock;
  limits: Limits;
  heartbeat: HeartbeatOptions;
  random: Random;
}

/** The client's end of a connection that a server has answered on. */
export interface Connection {
  /** What the server said of itself; `undefined` for a classic one, which says nothing. */
  readonly hello: Hello | undefined;
  /** `draining`: the server wants no new calls; those at work go on. */
  readonly state: 'open' | 'draining' | 'closed';
  /** Calls that the server may still be working on, the cancelled ones too. */
  readonly inFlight: number;
  /** True while a heartbeat has been without an answer for longer than one interval. */
  readonly heartbeatOverdue: boolean;
  /** What the server last said of its load. A classic one says nothing. */
  readonly load: ReportedLoad | undefined;
  /** Sends the call. Rejects with an RpcError whose `stage` says how far it got. `now` spares who knows it a look at the clock. */
  send(call: Call, now?: number): Promise<Reply>;
  /** Takes no new calls, lets those at work finish for at most `grace` ms, then ends. Never rejects. */
  close(grace: number): Promise<void>;
}

export interface ConnectionEvents {
  /** The server wants no new calls here. */
  onDrain(): void;
  /** The connection is gone. `cause` says why. */
  onClose(cause: RpcError): void;
}
