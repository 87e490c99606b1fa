/**
 * Reads the entries of a folder, and reads again when something may have changed.
 *
 * A watch only wakes us: ZooKeeper fires it once and says nothing of what came after, so the children are read again,
 * and now and then without being woken. An entry's own text is read once, because entries are never changed.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Clock, every, type Timer } from '../../core/clock.ts';
import type { Endpoint } from '../../core/endpoint.ts';
import type { Log } from '../../core/log.ts';
import { jitter, type Random } from '../../core/random.ts';
import { type Entry, readEntry } from '../entry.ts';
import type { Views } from '../views.ts';
import { isCode } from './error.ts';
import type { Link } from './link.ts';
import { isOurs, sequence } from './names.ts';
import type { SessionUser, Supervisor } from './supervisor.ts';

/** How long the first change waits for others, ms: 50 to 100, so that many clients do not read at the same moment. */
const gather = { least: 50, most: 100 };
/** While changes go on, reads are this far apart, ms. */
const spacing = 150;
/** How often everything is read again without a reason, ms, +-20 %. */
const reread = 30_000;
/** Wait after a read that failed on a live connection, ms: doubled each time. */
const backoff = { least: 500, most: 30_000 };
/** How many entries are read at once. */
const parallel = 32;

export interface WatcherOptions {
  supervisor: Supervisor;
  path: string;
  views: Views;
  clock: Clock;
  random: Random;
  log: Log;
}

export class Watcher implements SessionUser {
  readonly #options: WatcherOptions;
  /** What each child says, by name. */
  #entries = new Map<string, Entry>();
  /** Which folder that was: one that was deleted and made again starts its numbers anew. */
  #folder: bigint | undefined;
  /** The folder's newest change, and the session in which we saw it. */
  #seen = { session: 0n, pzxid: 0n };
  #timer: Timer | undefined;
  #reading = false;
  #again = false;
  /** True if the next read takes nothing for granted. */
  #all = false;
  #failures = 0;
  #lastRead = Number.NEGATIVE_INFINITY;
  #reads = 0;
  readonly #reread: Timer;
  readonly #onChange = () => this.#soon();

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { supervisor, clock, random } = options;
    this.#reread = every(
      clock,
      () => jitter(reread, 0.2, random),
      () => {
        this.#all = true;
        this.#now();
      },
    );
    supervisor.join(this);
  }

  up(): void {
    this.#failures = 0;
    this.#now();
  }

  down(cause: Error): void {
    this.#options.views.push({ state: 'failed', cause });
  }

  over(): void {}

  close(): void {
    this.#timer?.cancel();
    this.#reread.cancel();
    this.#options.supervisor.leave(this);
  }

  status(): Record<string, unknown> {
    const entries = [...this.#entries.values()];
    const junk = entries.filter((entry) => 'junk' in entry).length;
    return { entries: entries.length - junk, junk, reads: this.#reads };
  }

  /** A change was told: gather those that come with it. */
  #soon(): void {
    const { clock, random } = this.#options;
    const first = gather.least + (gather.most - gather.least) * random();
    this.#at(Math.max(first, this.#lastRead + spacing - clock.now()));
  }

  #now(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#reading) this.#again = true;
    else void this.#work();
  }

  #at(ms: number): void {
    this.#timer ??= this.#options.clock.timer(ms, () => this.#now());
  }

  async #work(): Promise<void> {
    const { supervisor, clock, random, log, views, path } = this.#options;
    this.#reading = true;
    do {
      this.#again = false;
      const link = supervisor.link;
      // `up` wakes us.
      if (link === undefined) break;
      try {
        this.#lastRead = clock.now();
        await this.#read(link);
        this.#failures = 0;
      } catch (error) {
        if (link.ended.aborted) continue;
        const cause = error instanceof Error ? error : new Error(String(error));
        if (this.#failures === 0) log.warn({ path, cause: cause.message }, 'ZooKeeper does not let us read');
        views.push({ state: 'failed', cause });
        this.#at(jitter(Math.min(backoff.most, backoff.least * 2 ** Math.min(10, this.#failures++)), 0.2, random));
      }
    } while (this.#again);
    this.#reading = false;
  }

  async #read(link: Link): Promise<void> {
    const { path } = this.#options;
    this.#reads++;
    const children = await this.#children(link);
    if (children === undefined) {
      this.#entries.clear();
      this.#folder = undefined;
      return this.#show();
    }
    const { names, stat } = children;
    if (this.#seen.session === link.sessionId && stat.pzxid < this.#seen.pzxid) {
      // Older than what we saw: a server that is behind. What we have is better.
      return this.#at(spacing);
    }
    this.#seen = { session: link.sessionId, pzxid: stat.pzxid };
    if (this.#folder !== stat.czxid) this.#entries.clear();
    this.#folder = stat.czxid;

    const present = new Set(names);
    const unread = names.filter((name) => !this.#entries.has(name) || (this.#all && !isOurs(name)));
    for (const name of this.#entries.keys()) {
      if (!present.has(name)) this.#entries.delete(name);
    }
    let at = 0;
    const reader = async () => {
      for (let name = unread[at++]; name !== undefined; name = unread[at++]) {
        const entry = await this.#entry(link, `${path}/${name}`);
        if (entry === undefined) continue;
        if ('junk' in entry && !this.#entries.has(name)) {
          this.#options.log.warn({ entry: `${path}/${name}`, cause: entry.junk }, 'an entry in ZooKeeper is ignored');
        }
        this.#entries.set(name, entry);
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, unread.length) }, reader));
    this.#all = false;
    this.#show();
  }

  /** The children, with a watch on them; or undefined if there is no such folder, with a watch on its making. */
  async #children(link: Link) {
    const { path } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await link.getChildren(path, this.#onChange);
      } catch (error) {
        if (!isCode(error, 'NO_NODE') || attempt === 3) throw error;
      }
      if ((await link.exists(path, this.#onChange)) === undefined) return undefined;
    }
  }

  /** What one child says; undefined if it went away meanwhile. */
  async #entry(link: Link, path: string): Promise<Entry | undefined> {
    try {
      return readEntry((await link.getData(path)).data);
    } catch (error) {
      if (isCode(error, 'NO_NODE')) return undefined;
      if (isCode(error, 'NO_AUTH')) return { junk: 'it may not be read' };
      throw error;
    }
  }

  #show(): void {
    const { views } = this.#options;
    const newest = new Map<string, { endpoint: Endpoint; number: number }>();
    for (const [name, entry] of this.#entries) {
      if ('junk' in entry) continue;
      const number = sequence(name);
      const other = newest.get(entry.endpoint.id);
      // Two entries of one server are an update under way, or what a session that ends leaves behind.
      if (other === undefined || other.number < number)
        newest.set(entry.endpoint.id, { endpoint: entry.endpoint, number });
    }
    const endpoints = [...newest.values()].map(({ endpoint }) => endpoint).sort((a, b) => (a.id < b.id ? -1 : 1));
    // Read again and found the same: no news.
    if (views.now.state === 'known' && isDeepStrictEqual(views.now.endpoints, endpoints)) return;
    views.push({ state: 'known', endpoints });
  }
}
