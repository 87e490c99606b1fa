/**
 * Keeps a service's EndpointSlices: lists all of them, follows what changes from there, and lists again every 30 s, because
 * a stream may lose a change without a word. Each new list begins a new stream.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { jitter, type Random } from '../../core/random.ts';
import { endpointsOf } from '../steady.ts';
import type { Views } from '../views.ts';
import { type Cluster, ClusterError } from './cluster.ts';
import { Pause } from './pause.ts';
import { identify, readSlices, type Wanted } from './slices.ts';

/** How long the first change waits for others, ms. */
const gather = { least: 50, most: 100 };
/** How often all is listed without a reason, ms, +-20 %. */
const interval = 30_000;
/** Lists that have a reason are this far apart, ms; a stream that lived so long was a good one. */
const spacing = 1_000;
/** Wait after a failure, ms, +-20 %: doubled each time. */
const backoff = { least: 500, most: 10_000 };

export interface WatcherOptions {
  cluster: Cluster;
  wanted: Wanted;
  views: Views;
  clock: Clock;
  random: Random;
  log: Log;
}

export class Watcher {
  readonly #options: WatcherOptions;
  #slices = new Map<string, unknown>();
  /** The newest version told, undefined if none is known that is of use. */
  #version: string | undefined;
  #listed = false;
  #lists = 0;
  #streams = 0;
  #entries = { endpoints: 0, junk: 0 };
  #junk = '';
  #troubles: { list?: ClusterError | undefined; stream?: ClusterError | undefined } = {};
  #logged: string | undefined;
  #stream = new AbortController();
  #gathering: Timer | undefined;
  readonly #closing = new AbortController();
  readonly #untilList: Pause;
  readonly #untilStream: Pause;
  readonly #loops: Promise<unknown>;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#untilList = new Pause(options.clock);
    this.#untilStream = new Pause(options.clock);
    this.#loops = Promise.all([this.#keepListing(), this.#keepFollowing()]);
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closing.abort(new ClusterError('failed', 'the registry is closed'));
    this.#stream.abort();
    this.#gathering?.cancel();
    this.#untilList.end();
    this.#untilStream.end();
    await this.#loops;
  }

  status(): Record<string, unknown> {
    const { endpoints, junk } = this.#entries;
    return { entries: endpoints, junk, slices: this.#slices.size, lists: this.#lists, streams: this.#streams };
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #keepListing(): Promise<void> {
    const { cluster, clock, random } = this.#options;
    for (let failures = 0; !this.#closed; ) {
      const began = clock.now();
      try {
        this.#lists++;
        const since = failures === 0 ? this.#version : undefined;
        const { slices, version } = await cluster.list({ since, signal: this.#closing.signal });
        if (this.#closed) return;
        failures = 0;
        this.#take(slices, version);
      } catch (error) {
        if (this.#closed) return;
        failures++;
        // Our version was of no use: without one it works.
        if (isGone(error) && failures === 1) continue;
        this.#trouble('list', error);
      }
      await this.#untilList.wait(failures === 0 ? jitter(interval, 0.2, random) : this.#backoff(failures));
      const early = began + spacing - clock.now();
      if (early > 0 && !this.#closed) await clock.sleep(early, this.#closing.signal).catch(() => {});
    }
  }

  async #keepFollowing(): Promise<void> {
    const { cluster, clock, random } = this.#options;
    for (let failures = 0; !this.#closed; ) {
      const since = this.#version;
      if (since === undefined) {
        await this.#untilStream.wait(Number.POSITIVE_INFINITY);
        continue;
      }
      const began = clock.now();
      this.#stream = new AbortController();
      const { signal } = this.#stream;
      try {
        await cluster.watch({
          since,
          signal,
          onOpen: () => this.#opened(),
          onChange: (type, slice) => {
            if (!signal.aborted) this.#change(type, slice);
          },
        });
        // An early end is like a failure, but not one to speak of.
        failures = clock.now() - began >= spacing ? 0 : failures + 1;
      } catch (error) {
        if (signal.aborted) continue;
        if (isGone(error)) {
          this.#version = undefined;
          this.#untilList.end();
          continue;
        }
        failures++;
        this.#trouble('stream', error);
      }
      if (signal.aborted) continue;
      await this.#untilStream.wait(failures === 0 ? this.#gather(random) : this.#backoff(failures));
    }
  }

  /** All slices, as of this version. */
  #take(slices: readonly unknown[], version: string): void {
    this.#slices.clear();
    for (const slice of slices) {
      const name = identify(slice)?.name;
      if (name !== undefined) this.#slices.set(name, slice);
    }
    this.#version = version;
    this.#listed = true;
    this.#troubles.list = undefined;
    this.#stream.abort();
    this.#untilStream.end();
    this.#show();
  }

  #opened(): void {
    this.#streams++;
    this.#troubles.stream = undefined;
    // The server is back: see at once whether it lists, too.
    if (this.#troubles.list !== undefined) this.#untilList.end();
    this.#show();
  }

  #change(type: string, slice: unknown): void {
    const identity = identify(slice);
    if (type === 'ADDED' || type === 'MODIFIED') {
      if (identity !== undefined) this.#slices.set(identity.name, slice);
    } else if (type === 'DELETED') {
      if (identity !== undefined) this.#slices.delete(identity.name);
    } else if (type !== 'BOOKMARK') {
      return this.#untilList.end();
    }
    // Who sends nonsense may have meant something.
    const version = type === 'BOOKMARK' ? bookmark(slice) : identity?.version;
    if (version === undefined) return this.#untilList.end();
    this.#version = version;
    if (type === 'BOOKMARK') return;
    this.#gathering ??= this.#options.clock.timer(this.#gather(this.#options.random), () => {
      this.#gathering = undefined;
      this.#show();
    });
  }

  #trouble(of: 'list' | 'stream', error: unknown): void {
    this.#troubles[of] = error instanceof ClusterError ? error : new ClusterError('failed', String(error));
    this.#show();
  }

  /** Tells what is known and what is wrong, each if it is news. */
  #show(): void {
    const { views, wanted } = this.#options;
    const { endpoints, junk, fault } = readSlices(this.#slices.values(), wanted);
    this.#entries = { endpoints: endpoints.length, junk: junk.length };
    const trouble =
      this.#troubles.list ??
      this.#troubles.stream ??
      (fault === undefined ? undefined : new ClusterError('failed', fault));
    this.#say(trouble, junk);
    if (this.#listed && fault === undefined) {
      const same = isDeepStrictEqual(endpointsOf(views.now), endpoints);
      if (!same || (trouble === undefined && views.now.state !== 'known')) views.push({ state: 'known', endpoints });
    }
    if (trouble !== undefined) views.push({ state: 'failed', cause: trouble });
  }

  /** One line for each kind of trouble, however often it comes again. */
  #say(trouble: ClusterError | undefined, junk: readonly string[]): void {
    const { log } = this.#options;
    if (trouble !== undefined && this.#logged !== trouble.code) {
      log.warn({ cause: trouble.message }, 'Kubernetes does not let us read');
    } else if (trouble === undefined && this.#logged !== undefined) log.info({}, 'Kubernetes lets us read again');
    this.#logged = trouble?.code;
    const text = junk.join('; ');
    if (text !== '' && text !== this.#junk) {
      log.warn({ entries: junk.slice(0, 8), count: junk.length }, 'some of an EndpointSlice is ignored');
    }
    this.#junk = text;
  }

  #gather(random: Random): number {
    return gather.least + (gather.most - gather.least) * random();
  }

  #backoff(failures: number): number {
    const { random } = this.#options;
    return jitter(Math.min(backoff.most, backoff.least * 2 ** Math.min(10, failures - 1)), 0.2, random);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof ClusterError && error.code === 'gone';
}

/** A bookmark is a slice of nothing but a version. */
function bookmark(slice: unknown): string | undefined {
  const { metadata } = (slice ?? {}) as { metadata?: { resourceVersion?: unknown } | null };
  const version = metadata?.resourceVersion;
  return typeof version === 'string' && version !== '' ? version : undefined;
}
