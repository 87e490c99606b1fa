/**
 * The life of a session: over lost connections, silent servers, moved addresses and expiry.
 *
 * Lost is not expired: without a connection the session lives on, and its entries with it, until a server says that it
 * is over, or until it must be presumed over because nobody could tell us for so long.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import { address as addressText } from '../../core/endpoint.ts';
import type { Log } from '../../core/log.ts';
import { jitter, type Random } from '../../core/random.ts';
import { readTimeoutShare } from './driver.ts';
import { DialError } from './error.ts';
import type { Address, Dial, DialOptions, Link, Ticket } from './link.ts';
import { type Lookup, startRound, systemLookup } from './round.ts';

/** Without a word from the session's servers for this share of its timeout it is presumed over (as ZOOKEEPER-4508). */
const presumedOverShare = 4 / 3;
/** A connection that lived less than this was no success: the next attempt waits. ms */
const tooShort = 1_000;
/** Wait between rounds over all servers, ms: doubled each time, +-50 %, so that a fleet does not come back in waves. */
const backoff = { least: 100, most: 2_000 };

export interface SupervisorOptions {
  servers: readonly Address[];
  /** The session timeout to ask for, ms. The server may grant another one. */
  timeout: number;
  auth: DialOptions['auth'];
  clock: Clock;
  random: Random;
  log: Log;
  dial: Dial;
  /** Default: the system's. It is asked anew for each round of attempts. */
  lookup?: Lookup;
}

/** Who wants to know of the session. Called at once with `up` on joining, if there is a connection. */
export interface SessionUser {
  /** There is a connection, of this session or, if its id is another one, of a new one. */
  up(link: Link): void;
  /** All servers were tried once since the last connection, and none is there. */
  down(cause: Error): void;
  /** The session is over, or must be presumed so: its ephemeral nodes are gone. */
  over(): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #users = new Set<SessionUser>();
  readonly #closed = new AbortController();
  #running: Promise<void> | undefined;
  #link: Link | undefined;
  #ticket: Ticket | undefined;
  /** True from the time when the session is presumed over, until there is a connection again. */
  #presumedOver = false;
  #presume: Timer | undefined;
  /** What remains of this round over all servers. */
  #candidates: Address[] = [];
  #roundSize = 1;
  #lastServer: string | undefined;
  #emptyRounds = 0;
  #causes = new Map<string, string>();
  #wakeUp: (() => void) | undefined;
  #sessions = 0;
  #connections = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** The connection, while there is one. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** The first one starts the session. */
  join(user: SessionUser): void {
    this.#users.add(user);
    if (this.#link !== undefined) user.up(this.#link);
    else if (this.#emptyRounds > 0) user.down(this.#unreachable());
    if (!this.#closed.signal.aborted) this.#running ??= this.#run();
  }

  leave(user: SessionUser): void {
    this.#users.delete(user);
  }

  status(): Record<string, unknown> {
    const link = this.#link;
    const id = link?.sessionId ?? this.#ticket?.id.readBigUInt64BE();
    return {
      connected: link !== undefined,
      ...(link === undefined ? {} : { server: addressText(link.address), timeout: link.timeout }),
      ...(id === undefined ? {} : { session: `0x${id.toString(16)}` }),
      sessions: this.#sessions,
      connections: this.#connections,
      ...(link === undefined && this.#causes.size > 0 ? { cause: this.#unreachable().message } : {}),
    };
  }

  /** Ends the session with the server's knowledge, if one can be asked within `timeout` ms, and stops for good. */
  async close(timeout: number): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + timeout;
    this.#users.clear();
    if (this.#link === undefined && this.#ticket !== undefined && !this.#closed.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = clock.timer(timeout, resolve, { keepAlive: true });
        const done = () => {
          timer.cancel();
          resolve();
        };
        this.join({ up: done, down() {}, over: done });
        this.#wakeUp?.();
      });
      this.#users.clear();
    }
    this.#closed.abort(new Error('the registry is closed'));
    this.#presume?.cancel();
    this.#wakeUp?.();
    await this.#link?.closeSession(Math.max(1, deadline - clock.now()));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    while (!this.#closed.signal.aborted) {
      const link = await this.#connect();
      if (link !== undefined) {
        if (this.#closed.signal.aborted) return link.destroy(new Error('the registry is closed'));
        const since = clock.now();
        await this.#serve(link);
        // A server that takes us and drops us at once must not be asked in a tight loop.
        if (clock.now() - since >= tooShort) continue;
        this.#emptyRounds++;
      } else if (this.#candidates.length > 0) continue;
      const rounds = Math.min(this.#emptyRounds, 10);
      const wait = Math.min(backoff.most, this.#options.timeout / 4, backoff.least * 2 ** (rounds - 1));
      await this.#pause(jitter(wait, 0.5, random));
    }
  }

  /** One attempt on the next server. */
  async #connect(): Promise<Link | undefined> {
    const { timeout, auth, dial, log } = this.#options;
    if (this.#candidates.length === 0) await this.#startRound();
    const address = this.#candidates.shift();
    if (address !== undefined) {
      const ticket = this.#ticket;
      const lasts = ticket?.timeout ?? timeout;
      try {
        // Half at most, so that the session outlives one attempt that hangs.
        const deadline = lasts / Math.max(2, this.#roundSize);
        return await dial({ address, timeout, auth, ticket, deadline, signal: this.#closed.signal });
      } catch (error) {
        const stage = error instanceof DialError ? error.stage : 'unreachable';
        const cause = error instanceof Error ? error.message : String(error);
        log.debug({ server: addressText(address), cause }, 'no ZooKeeper connection');
        if (stage === 'expired' && ticket !== undefined) {
          this.#endSession('the server said so');
          // It answers: it will take a new session.
          this.#candidates.unshift(address);
          return undefined;
        }
        this.#causes.set(addressText(address), cause);
        // There is a server that will not go on with a session that is presumed over: perhaps it lost its data.
        if (stage === 'unanswered' && this.#presumedOver) this.#ticket = undefined;
      }
    }
    if (this.#candidates.length === 0 && !this.#closed.signal.aborted) {
      this.#emptyRounds++;
      const cause = this.#unreachable();
      if (this.#emptyRounds === 1) log.warn({ cause: cause.message }, 'ZooKeeper is away');
      for (const user of this.#users) user.down(cause);
    }
    return undefined;
  }

  /** Tells everyone, watches over the connection, and returns when it has ended. */
  async #serve(link: Link): Promise<void> {
    const { clock, log } = this.#options;
    const before = this.#ticket?.id;
    this.#presume?.cancel();
    this.#ticket = link.ticket;
    this.#link = link;
    this.#connections++;
    const fresh = before === undefined || !before.equals(link.ticket.id);
    if (fresh) this.#sessions++;
    const facts = { server: addressText(link.address), session: `0x${link.sessionId.toString(16)}` };
    if (fresh || this.#emptyRounds > 0) log.info({ ...facts, timeout: link.timeout, fresh }, 'connected to ZooKeeper');
    this.#lastServer = addressText(link.address);
    this.#presumedOver = false;
    this.#candidates = [];
    this.#causes.clear();
    const since = clock.now();
    for (const user of this.#users) user.up(link);

    const silence = link.timeout * readTimeoutShare;
    let watchdog: Timer;
    const watch = () => {
      const left = link.heard + silence - clock.now();
      if (left > 0) watchdog = clock.timer(left, watch);
      else link.destroy(new Error(`silent for ${Math.round(silence)} ms`));
    };
    watch();
    await new Promise<void>((resolve) => {
      if (link.ended.aborted) resolve();
      else link.ended.addEventListener('abort', () => resolve(), { once: true });
    });
    watchdog!.cancel();

    const cause = String((link.ended.reason as Error)?.message);
    this.#link = undefined;
    this.#ticket = link.ticket;
    this.#causes.set(this.#lastServer, `${this.#lastServer}: ${cause}`);
    if (clock.now() - since >= tooShort) this.#emptyRounds = 0;
    if (this.#closed.signal.aborted) return;
    log.info({ ...facts, cause }, 'the ZooKeeper connection ended');
    const over = link.heard + link.timeout * presumedOverShare - clock.now();
    this.#presume = clock.timer(Math.max(0, over), () => {
      this.#presumedOver = true;
      log.warn(facts, 'the ZooKeeper session must be presumed over: no server could be asked for too long');
      for (const user of this.#users) user.over();
    });
  }

  #endSession(cause: string): void {
    const session = this.#ticket?.id.readBigUInt64BE();
    this.#presume?.cancel();
    this.#ticket = undefined;
    this.#options.log.warn({ session: `0x${session?.toString(16)}`, cause }, 'the ZooKeeper session is over');
    for (const user of this.#users) user.over();
  }

  async #startRound(): Promise<void> {
    const { timeout, lookup = systemLookup } = this.#options;
    const { signal } = this.#closed;
    const round = { ...this.#options, lookup, last: this.#lastServer, patience: timeout / 2, signal };
    const { addresses, causes } = await startRound(round);
    this.#candidates = addresses;
    this.#roundSize = addresses.length;
    this.#causes = causes;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // An open registry keeps the process alive, with a connection or while it waits for the next attempt.
      const timer = this.#options.clock.timer(ms, resolve, { keepAlive: true });
      this.#wakeUp = () => {
        timer.cancel();
        resolve();
      };
      if (this.#closed.signal.aborted) this.#wakeUp();
    });
  }

  #unreachable(): Error {
    return new Error(`no ZooKeeper server can be reached: ${[...this.#causes.values()].slice(0, 5).join('; ')}`);
  }
}
