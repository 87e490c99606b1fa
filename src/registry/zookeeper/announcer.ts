/**
 * Keeps one server's entry in ZooKeeper: there once and once only, while the lease lasts, and then no more.
 *
 * It does not follow what happened step by step; whenever something may have changed it compares what is there with what
 * is wanted, and mends the difference. So a lost reply, an expired session, an entry that someone deleted, an update and
 * the release are one case.
 */
import { type Clock, every, type Timer } from '../../core/clock.ts';
import type { Endpoint } from '../../core/endpoint.ts';
import type { Log } from '../../core/log.ts';
import { jitter, type Random } from '../../core/random.ts';
import { writeEntry } from '../entry.ts';
import type { Lease } from '../registry.ts';
import { isCode } from './error.ts';
import type { Link } from './link.ts';
import { entryPrefix, isEntryOf, parentOf } from './names.ts';
import { answered, ignoring, makeFolder } from './requests.ts';
import type { SessionUser, Supervisor } from './supervisor.ts';

/** How often the entry is looked at without a reason, ms. Watches can be lost; this cannot. */
const recheck = 30_000;
/** Wait after a failure that is no lost connection, ms: doubled each time, jittered. */
const backoff = { least: 100, most: 10_000 };
/** An entry that stood this long was no fight with someone who deletes it. ms */
const peace = 10_000;

export interface AnnouncerOptions {
  supervisor: Supervisor;
  /** Folder of the service. */
  path: string;
  clock: Clock;
  random: Random;
  log: Log;
}

export class Announcer implements Lease, SessionUser {
  readonly registered: Promise<void>;
  readonly #options: AnnouncerOptions;
  readonly #id: string;
  /** What the entry shall say; undefined after the release. */
  #wanted: Buffer | undefined;
  /** Path of the entry, as far as is known. */
  #entry: string | undefined;
  /** True while an entry may be there that we do not know of: its creation got no answer. */
  #unsure = false;
  /** True while former entries of this server may still have to be deleted. */
  #untidy = false;
  #state: Lease['state'] = 'pending';
  #listeners: ((state: Lease['state']) => void)[] = [];
  #onRegistered: () => void = () => {};
  #onGone: (() => void)[] = [];
  #working = false;
  #again = false;
  #failures = 0;
  #cause: string | undefined;
  #closed = false;
  #retry: Timer | undefined;
  readonly #recheck: Timer;
  /** The entry that we made last, for telling an entry that others deleted from one that had to be replaced. */
  #made: { data: Buffer | undefined; session: bigint; at: number } = { data: undefined, session: 0n, at: 0 };
  #fights = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  /** One function for all watches of a connection, or the driver would keep each. */
  readonly #onChange = () => this.#wake();

  constructor(options: AnnouncerOptions, endpoint: Endpoint) {
    const { supervisor, clock, random } = options;
    this.#options = options;
    this.#id = endpoint.id;
    this.#wanted = writeEntry(endpoint);
    this.registered = new Promise((resolve) => {
      this.#onRegistered = resolve;
    });
    this.#recheck = every(
      clock,
      () => jitter(recheck, 0.2, random),
      () => this.#wake(),
    );
    supervisor.join(this);
  }

  get state(): Lease['state'] {
    return this.#state;
  }

  /** Why the entry cannot be made, kept or changed, while that is so. */
  get cause(): string | undefined {
    return this.#state === 'released' ? undefined : this.#cause;
  }

  onChange(listener: (state: Lease['state']) => void): void {
    this.#listeners.push(listener);
  }

  update(endpoint: Endpoint): void {
    if (endpoint.id !== this.#id) throw new Error(`An update keeps the id: expected ${this.#id}, not ${endpoint.id}.`);
    if (this.#state === 'released') return;
    this.#wanted = writeEntry(endpoint);
    this.#wake();
  }

  async release(timeout = 1_000): Promise<void> {
    this.#wanted = undefined;
    this.#setState('released');
    const nothing = this.#entry === undefined && !this.#unsure && !this.#untidy;
    if (nothing && !this.#working) return this.#finish();
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.timer(timeout, resolve, { keepAlive: true });
      this.#onGone.push(() => {
        timer.cancel();
        resolve();
      });
      this.#wake();
    });
  }

  /** Releases without deleting, for when the session is about to be closed, which deletes all its entries. */
  close(): void {
    // The session that ends wakes our own watch: that is no reason to look once more.
    this.#closed = true;
    this.#wanted = undefined;
    this.#setState('released');
    this.#finish();
  }

  up(): void {
    this.#failures = 0;
    this.#wake();
  }

  down(): void {}

  over(): void {
    if (this.#state === 'registered') this.#setState('pending');
  }

  /** Compares and mends, now or once more after the run that is under way. */
  #wake(): void {
    this.#retry?.cancel();
    this.#again = true;
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    const { supervisor, clock, random, log } = this.#options;
    this.#working = true;
    while (this.#again && !this.#closed) {
      this.#again = false;
      const link = supervisor.link;
      // `up` wakes us.
      if (link === undefined) break;
      try {
        await this.#mend(link);
        this.#failures = 0;
        this.#cause = undefined;
      } catch (error) {
        if (link.ended.aborted || this.#closed) continue;
        const cause = error instanceof Error ? error.message : String(error);
        this.#cause = cause;
        if (this.#failures === 0) log.warn({ id: this.#id, cause }, 'the entry in ZooKeeper cannot be kept up');
        const wait = Math.min(backoff.most, backoff.least * 2 ** Math.min(10, this.#failures++));
        this.#retry = clock.timer(jitter(wait, 0.2, random), () => this.#wake());
      }
    }
    this.#working = false;
  }

  async #mend(link: Link): Promise<void> {
    const { path, clock } = this.#options;
    const wanted = this.#wanted;
    if (wanted !== undefined && this.#entry !== undefined && !this.#untidy) {
      if (await this.#stands(link, this.#entry, wanted)) return this.#settled(wanted);
      if (this.#made.data === wanted && this.#made.session === link.sessionId) this.#deletedByOthers();
    }
    // A creation without an answer may still be on its way when we look. Any write of ours comes after it.
    if (this.#unsure) await answered(link.remove(`${path}/${entryPrefix(this.#id)}barrier`));
    const { ours, others } = await this.#look(link, wanted);
    this.#unsure = false;
    this.#untidy = others.length > 0;
    this.#entry = ours;
    if (ours === undefined && wanted !== undefined) {
      const wait = this.#notBefore - clock.now();
      if (wait > 0) {
        this.#retry = clock.timer(wait, () => this.#wake());
        return;
      }
      this.#entry = await this.#create(link, wanted);
    }
    // Only now: an update must not leave a moment without an entry.
    for (const entry of others) await ignoring('NO_NODE', link.remove(entry));
    this.#untidy = false;
    if (wanted === undefined) return this.#finish();
    // With a watch, so that we hear if someone deletes it.
    if (this.#entry !== undefined && (await this.#stands(link, this.#entry, wanted))) this.#settled(wanted);
    else this.#again = true;
  }

  /** Makes it again at once; but whoever deletes it again and again gets a slower and slower answer. */
  #deletedByOthers(): void {
    const { clock, log } = this.#options;
    log.warn({ entry: this.#entry }, 'someone deleted or changed our entry in ZooKeeper');
    if (this.#state === 'registered') this.#setState('pending');
    const now = clock.now();
    this.#fights = now - this.#made.at < peace ? this.#fights + 1 : 0;
    this.#notBefore = this.#fights < 3 ? now : now + Math.min(backoff.most, backoff.least * 2 ** (this.#fights - 3));
    this.#made = { ...this.#made, data: undefined };
  }

  /** True if the entry is there, says what it shall, and belongs to this session, not to one that is about to end. */
  async #stands(link: Link, path: string, wanted: Buffer): Promise<boolean> {
    const found = await ignoring('NO_NODE', link.getData(path, this.#onChange));
    return found?.stat.ephemeralOwner === link.sessionId && found.data?.equals(wanted) === true;
  }

  /** All entries that say to be this server's: the good one, and those that must go. */
  async #look(link: Link, wanted: Buffer | undefined): Promise<{ ours: string | undefined; others: string[] }> {
    const { path } = this.#options;
    const names = (await ignoring('NO_NODE', link.getChildren(path)))?.names ?? [];
    let ours: string | undefined;
    const others: string[] = [];
    for (const name of names.filter((name) => isEntryOf(name, this.#id)).sort()) {
      const entry = `${path}/${name}`;
      const found = await ignoring('NO_NODE', link.getData(entry));
      if (found === undefined) continue;
      const good = found.stat.ephemeralOwner === link.sessionId && wanted !== undefined && found.data?.equals(wanted);
      if (good && ours === undefined) ours = entry;
      else others.push(entry);
    }
    return { ours, others };
  }

  /** Gives the new entry's path, or undefined if it is not wanted any more. */
  async #create(link: Link, wanted: Buffer): Promise<string | undefined> {
    const { path, clock, log } = this.#options;
    // The folder may be deleted between its making and ours.
    for (let attempt = 1; this.#wanted === wanted; attempt++) {
      try {
        // Somebody may have made them first. Live settings lie beside the folder: in what holds both.
        await link.checkOwned(parentOf(path));
        await link.checkOwned(path);
        if (this.#wanted !== wanted) break;
        this.#unsure = true;
        const entry = await link.create(`${path}/${entryPrefix(this.#id)}`, wanted, 'ephemeral-sequential');
        this.#unsure = false;
        this.#made = { data: wanted, session: link.sessionId, at: clock.now() };
        log.info({ entry }, 'registered in ZooKeeper');
        return entry;
      } catch (error) {
        this.#unsure &&= isCode(error, 'LOST');
        if (!isCode(error, 'NO_NODE') || attempt === 3) throw error;
        await makeFolder(link, path, 2);
      }
    }
    return undefined;
  }

  #settled(wanted: Buffer): void {
    if (this.#wanted !== wanted) return;
    this.#setState('registered');
    this.#onRegistered();
  }

  /** Nothing is there any more and nothing will be. */
  #finish(): void {
    this.#entry = undefined;
    this.#recheck.cancel();
    this.#retry?.cancel();
    this.#options.supervisor.leave(this);
    for (const done of this.#onGone) done();
  }

  #setState(state: Lease['state']): void {
    if (this.#state === state || this.#state === 'released') return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
