/** Who is alive: ZooKeeper's sessions. Pure: the time is a parameter, on the server's clock. */
import { timingSafeEqual } from 'node:crypto';

export interface Session {
  readonly id: bigint;
  readonly password: Buffer;
  /** How long it outlives silence, ms. */
  timeout: number;
  /** When it ends unless something is heard, on the server's clock, ms. */
  deadline: number;
}

export interface SessionLimits {
  /** ms. Wishes below and above are clamped to these. */
  minTimeout: number;
  maxTimeout: number;
}

export class Sessions {
  readonly #sessions = new Map<bigint, Session>();
  readonly #limits: SessionLimits;
  #nextId: bigint;

  /** @param firstId must not be the id of a session of an earlier life of the server: base it on the time of day */
  constructor(limits: SessionLimits, firstId: bigint) {
    this.#limits = limits;
    this.#nextId = firstId;
  }

  /** @param password 16 bytes that nobody can guess */
  open(timeout: number, password: Buffer, now: number): Session {
    const allowed = this.#clamp(timeout);
    const session = { id: this.#nextId++, password, timeout: allowed, deadline: now + allowed };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Goes on with a session, with a new timeout. Undefined if it expired, never was, or the password is another's. */
  resume(id: bigint, password: Buffer, timeout: number, now: number): Session | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined || password.length !== session.password.length) return undefined;
    if (!timingSafeEqual(password, session.password)) return undefined;
    session.timeout = this.#clamp(timeout);
    this.touch(session, now);
    return session;
  }

  /** Something was heard of it. */
  touch(session: Session, now: number): void {
    session.deadline = now + session.timeout;
  }

  /** After a time in which nobody could be heard. */
  touchAll(now: number): void {
    for (const session of this.#sessions.values()) this.touch(session, now);
  }

  get(id: bigint): Session | undefined {
    return this.#sessions.get(id);
  }

  /** Those whose time is over. They stay until `delete`. */
  expired(now: number): Session[] {
    return [...this.#sessions.values()].filter((session) => session.deadline <= now);
  }

  delete(id: bigint): boolean {
    return this.#sessions.delete(id);
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values();
  }

  #clamp(timeout: number): number {
    return Math.min(Math.max(timeout, this.#limits.minTimeout), this.#limits.maxTimeout);
  }
}
