/**
 * Reads the entries of a folder, and reads again when something may have changed: the children whole, an entry's own text
 * once, because entries are never changed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import type { Endpoint } from '../../core/endpoint.ts';
import type { Log } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import { type Entry, readEntry } from '../entry.ts';
import type { Views } from '../views.ts';
import { isCode } from './error.ts';
import type { Link } from './link.ts';
import { isOurs, sequence } from './names.ts';
import { owned, readOrAwait } from './requests.ts';
import { Rereader, spacing } from './rereader.ts';
import type { Supervisor } from './supervisor.ts';

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

export class Watcher {
  readonly #options: WatcherOptions;
  /** What each child says, by name. */
  #entries = new Map<string, Entry>();
  /** Which folder that was: one that was deleted and made again starts its numbers anew. */
  #folder: bigint | undefined;
  /** The folder's newest change, and the session in which we saw it. */
  #seen = { session: 0n, pzxid: 0n };
  /** True if the next read takes nothing for granted. */
  #all = false;
  #reads = 0;
  readonly #rereader: Rereader;
  readonly #onChange = () => this.#rereader.soon();

  constructor(options: WatcherOptions) {
    this.#options = options;
    const { supervisor, clock, random, views, log, path } = options;
    this.#rereader = new Rereader({
      supervisor,
      clock,
      random,
      read: (link) => this.#read(link),
      onFailure(cause, first) {
        if (first) log.warn({ path, cause: cause.message }, 'the servers in ZooKeeper cannot be read');
        views.push({ state: 'failed', cause });
      },
      onDown: (cause) => views.push({ state: 'failed', cause }),
      onInterval: () => {
        this.#all = true;
      },
    });
  }

  close(): void {
    this.#rereader.close();
  }

  status(): Record<string, unknown> {
    const entries = [...this.#entries.values()];
    const junk = entries.filter((entry) => 'junk' in entry).length;
    return { entries: entries.length - junk, junk, reads: this.#reads };
  }

  async #read(link: Link): Promise<void> {
    const { path } = this.#options;
    this.#reads++;
    const children = await readOrAwait(link, path, this.#onChange, () =>
      owned(link, path, link.getChildren(path, this.#onChange)),
    );
    if (children === undefined) {
      this.#entries.clear();
      this.#folder = undefined;
      return this.#show();
    }
    const { names, stat } = children;
    if (this.#seen.session === link.sessionId && stat.pzxid < this.#seen.pzxid) {
      // Older than what we saw: a server that is behind. What we have is better.
      return this.#rereader.after(spacing);
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
