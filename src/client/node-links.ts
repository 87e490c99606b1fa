import type { Call, Reply } from '../core/call.ts';
import type { Endpoint } from '../core/endpoint.ts';
import type { RpcError } from '../core/error.ts';
import type { ReportedLoad } from '../core/load.ts';
import type { Hello } from '../wire/hello.ts';

/** What a call is sent on: a connection to one worker, or another package's client. */
export interface Sender {
  /** True while a sign of life is overdue: silence then says something of the node. */
  readonly heartbeatOverdue: boolean;
  /** Rejects with an RpcError whose `stage` says how far the call got. */
  send(call: Call, now: number): Promise<Reply>;
}

/** The ways to one node: evenkeel's own connections (`links.ts`), or a client that a pool's user made (`pool/`). */
export interface NodeLinks {
  /** Where they lead to. */
  readonly endpoint: Endpoint;
  /** True once a server has answered there. */
  readonly reached: boolean;
  /** True if a call can be sent now. */
  readonly live: boolean;
  /** How many there are: a call that one worker does not answer may be sent to another. */
  readonly ways: number;
  /** True unless signs of life are overdue. */
  readonly alive: boolean;
  /** True while those of some connection are, of others perhaps not: one process stands still, its siblings go on. */
  readonly faltering: boolean;
  /** True if other connections of the node are open: that one was lost says nothing of the node. */
  readonly redundant: boolean;
  /** True if the server says so when it goes away: then one that the registry has lost, but that is well, is kept. */
  readonly saysDrain: boolean;
  /** The server wants no new calls, and what is open only finishes. */
  readonly draining: boolean;
  /** The server has said that it goes away, and nothing is left of it. */
  readonly departed: boolean;
  /** Calls that the node may still be working on. */
  readonly inFlight: number;
  /** Why there is no connection, or why the last one ended, until there is one. */
  readonly lastError: RpcError | undefined;
  /** When it is dialled again (on the clock, ms), where that is to be waited for. */
  readonly nextDial: number | undefined;
  /** What the server said of itself, if it did. */
  readonly hello: Hello | undefined;
  /** What the node's processes last said of their load. */
  readonly loads: readonly ReportedLoad[];
  /** The one with the fewest calls at work. Only while `live`. */
  least(): Sender;
  /** Begins to connect, after `delay` ms. */
  start(delay: number): void;
  /** Connects at once where a dial waits for its turn. */
  hurry(): void;
  /** Makes no new connections, lets the calls at work finish for at most `grace` ms. Never rejects. */
  stop(grace: number): Promise<void>;
  /** One call that asks whether the node does its work. Resolves with what is wrong, or undefined. Never rejects. */
  probe(timeout: number): Promise<string | undefined>;
}

export interface LinksEvents {
  /** The first connection is there, or the last one is gone. */
  onChange(): void;
  /**
   * No connection could be made, the only one was lost, or a check failed. `since` is when the dial, the connection or the
   * check began to fail.
   */
  onFault(cause: 'refused' | 'lost' | 'health', error: RpcError, since: number): void;
  /** A check has passed. */
  onPass(): void;
}
