/** All that the server knows: the tree, who is alive, who waits for what. No I/O: a connection is a Peer. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { ConnectRequest, Identity } from './protocol.ts';
import { type Session, type SessionLimits, Sessions } from './sessions.ts';
import { rollBack, type Transaction, Tree } from './tree.ts';
import { type Event, Watches } from './watches.ts';

/** One client's connection. */
export interface Peer {
  /** 0 before it has one. */
  readonly sessionId: bigint;
  /** What the client proved to be. */
  readonly identities: readonly Identity[];
  /** @param zxid of the change, or -1 when the client is told late of one that it missed */
  notify(event: Event, zxid: bigint): void;
  /** Its session ended, or goes on over another connection. */
  drop(why: string): void;
}

export class Database {
  readonly tree = new Tree();
  readonly watches = new Watches<Peer>();
  readonly sessions: Sessions;
  readonly #clock: Clock;
  readonly #peers = new Map<bigint, Peer>();
  #zxid: bigint;

  constructor(clock: Clock, limits: SessionLimits) {
    this.#clock = clock;
    const startedAt = BigInt(Math.trunc(clock.wallTime()));
    // Both begin at the time of day. Clients refuse to fall back behind a zxid they saw: after a restart it must be
    // higher, which it is unless more than a million transactions a millisecond were made. And a session of the life
    // before must be unknown, so that its client hears that it expired: its id must not be given again.
    this.#zxid = startedAt << 20n;
    this.sessions = new Sessions(limits, (startedAt & 0xff_ffff_ffffn) << 16n);
  }

  /** The last transaction. */
  get zxid(): bigint {
    return this.#zxid;
  }

  /** Does all of `work`, or nothing if it throws. Everybody who watches what it changes is told before this returns. */
  write<T>({ sessionId, identities }: Pick<Peer, 'sessionId' | 'identities'>, work: (txn: Transaction) => T): T {
    // A failed transaction has its number too, as in Apache ZooKeeper.
    const zxid = ++this.#zxid;
    const time = Math.trunc(this.#clock.wallTime());
    const txn: Transaction = { zxid, time, session: sessionId, identities, changes: [], undo: [] };
    let result: T;
    try {
      result = work(txn);
    } catch (cause) {
      rollBack(txn);
      throw cause;
    }
    for (const change of txn.changes) {
      this.watches.fire(change, (peer, event) => peer.notify(event, zxid));
    }
    return result;
  }

  /** A new session, or the wished one with this as its connection from now on. Undefined if that one is no more. */
  connect(request: ConnectRequest, peer: Peer): Session | undefined {
    const now = this.#clock.now();
    let session: Session | undefined;
    if (request.sessionId === 0n) {
      session = this.sessions.open(request.timeout, randomBytes(16), now);
      this.#zxid++;
    } else {
      session = this.sessions.resume(request.sessionId, request.password, request.timeout, now);
    }
    if (session === undefined) return undefined;
    this.#peers.get(session.id)?.drop('its session goes on over another connection');
    this.#peers.set(session.id, peer);
    return session;
  }

  /** The connection is gone: its watches go with it, the session waits for another one. */
  disconnect(peer: Peer, session: Session): void {
    this.watches.removeAll(peer);
    if (this.#peers.get(session.id) === peer) this.#peers.delete(session.id);
  }

  isConnected(session: Session): boolean {
    return this.#peers.has(session.id);
  }

  /** Ends a session and removes its ephemeral nodes. */
  endSession(session: Session): void {
    if (!this.sessions.delete(session.id)) return;
    this.write({ sessionId: session.id, identities: [] }, (txn) => this.tree.endSession(txn));
  }

  /** Ends the sessions that were silent for too long, or the given one, and closes their connections. */
  expire(sessions: readonly Session[] = this.sessions.expired(this.#clock.now())): void {
    for (const session of sessions) {
      this.endSession(session);
      this.#peers.get(session.id)?.drop('its session expired');
    }
  }
}
