import type { Random } from '../../core/random.ts';
import type { Member } from '../fleet.ts';

/** How an attempt ended, as the client saw it. */
export type AttemptEnd =
  | 'ok'
  /** No connection could be made: it was not sent. */
  | 'refused'
  /** The connection ended while the answer was awaited. */
  | 'lost'
  /** Silence until the deadline. */
  | 'timeout'
  /** The server said that it is full. */
  | 'overloaded'
  /** The server said that it goes away. */
  | 'draining'
  /** Another attempt was answered. */
  | 'cancelled';

/** A server, as one client sees it. */
export interface Target extends Member {
  readonly connected: boolean;
  /** True unless a sign of life is overdue. */
  alive(): boolean;
}

/** What a call has come to when an attempt failed. */
export interface Trouble {
  readonly end: AttemptEnd;
  /** Attempts made, and of them those that never left. */
  readonly made: number;
  readonly unsent: number;
  /** Attempts that ended with their connection, this one included. */
  readonly losses: number;
  /** Refusals that were repeated free of charge. */
  readonly refusals: number;
  readonly deadline: number;
  /** True if a server is left that was not tried. */
  readonly untried: boolean;
}

/** How a client keeps its connections. */
export interface Habits {
  /** When a silent server is asked for a sign of life, and when it is given up, ms. Without it, silence is no news. */
  readonly heartbeat?: { readonly pingAfter: number; readonly deadAfter: number };
  /** How long a new connection waits for the server's first word, ms. Without it, an accepted connection is a good one. */
  readonly helloTimeout?: number;
  /** How often each server is asked whether it does its work, ms. Without it, never. */
  readonly healthInterval?: number;
  /** How long to wait before a server is dialled again, ms. */
  redial(failures: number, random: Random): number;
  /** How long a call waits when there is no server to pick, ms. 0: it fails at once. */
  readonly maxWait: number;
  /** True: who leaves the registry is kept until it says that it goes, or its connection ends. */
  readonly keepsUnlisted: boolean;
  /** How many servers it connects to at most. */
  readonly subset: number;
}

/**
 * What decides for one client: evenkeel's policy, or that of another system. The client asks and tells; connections, calls
 * and time are its own affair, and the same for all but for their habits.
 */
export interface Contender {
  readonly habits: Habits;
  /** How often all its servers looked so bad that it did not choose any more. */
  readonly panics: number;
  /** @param newcomer true if others serve already */
  add(target: Target, now: number, newcomer: boolean): void;
  remove(target: Target): void;
  setConnected(target: Target, connected: boolean, now: number): void;
  /** Something other than an attempt showed that it is not well. `since` is when that began. */
  fault(target: Target, cause: 'refused' | 'lost' | 'heartbeat' | 'health', since: number, now: number): void;
  /** A health check passed. */
  healthy(target: Target, now: number): void;
  pick(tried: readonly Target[], now: number): Target | undefined;
  /** True if it could be picked. */
  has(target: Target): boolean;
  began(target: Target, now: number): void;
  /** @param timeout how long the attempt could have lasted, ms */
  ended(target: Target, end: AttemptEnd, startedAt: number, timeout: number, now: number): void;
  /** A call was made. */
  called(now: number): void;
  /** After how long it is sent again, ms; undefined if it has failed. */
  again(trouble: Trouble, now: number): { after: number; charged: boolean } | undefined;
  /** After how long a silent attempt is sent to a second server too, ms. Undefined: never. */
  hedgeDelay(now: number): number | undefined;
  /** True if that may be done now. It is done, then. */
  hedge(now: number): boolean;
  /** To be called every 100 ms. */
  advance(now: number): void;
  /** Suspended servers that are due for one probe. */
  due(now: number): readonly Target[];
  probed(target: Target, ok: boolean, now: number): void;
  /** What it leaves of the server's weight: 0..1. For the picture. */
  standing(target: Target): number;
}

export type MakeContender = (random: Random) => Contender;
