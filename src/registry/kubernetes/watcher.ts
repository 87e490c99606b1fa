/**
 * Keeps a service's EndpointSlices: lists all of them, follows what changes from there, and lists again now and then, because
 * a stream may lose a change without a word: after a restore from a backup an API server is silent until its versions
 * have caught up. Each new list begins a new stream.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { jitter, type Random } from '../../core/random.ts';
import { endpointsOf } from '../steady.ts';
import type { Views } from '../views.ts';
import { type Cluster, ClusterError } from './cluster.ts';
import { Pause } from './pause.ts';
import { type Reading, sliceReader, type Wanted } from './slices.ts';
import { Store } from './store.ts';
import { bridge, firstVanished, nobody, type Shown } from './vanished.ts';

/** How long the first change waits for others, ms. */
const gather = { least: 50, most: 100 };
/** How often all is listed without a reason, ms, +-20 %: with a stream, and where there can be none. */
const interval = { following: 120_000, alone: 30_000 };
/**
 * Lists that have a reason are this far apart, ms: doubled each time one follows another, lest a server that goes on giving
 * reasons be asked for ever. A stream that lived so long was a good one.
 */
const spacing = 1_000;
/** The most of it, ms. */
const widest = 8_000;
/** Wait after a failure, ms, +-20 %: doubled each time. */
const backoff = { least: 500, most: 10_000 };
/** How long a server that vanished without a word is waited for, ms. */
const patience = 1_000;

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
  readonly #store = new Store();
  readonly #read: (slices: Iterable<object>) => Reading;
  #shown: Shown = nobody;
  #listed = false;
  /** Something was not understood since the last list began. */
  #doubt = false;
  #lists = 0;
  #streams = 0;
  #junk: readonly string[] = [];
  #troubles: { list?: ClusterError | undefined; stream?: ClusterError | undefined } = {};
  #logged: string | undefined;
  #stream = new AbortController();
  #gathering: Timer | undefined;
  #waiting: Timer | undefined;
  readonly #closing = new AbortController();
  readonly #untilList: Pause;
  readonly #untilStream: Pause;
  readonly #loops: Promise<unknown>;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#read = sliceReader(options.wanted);
    this.#untilList = new Pause(options.clock);
    this.#untilStream = new Pause(options.clock);
    this.#loops = Promise.all([this.#keepListing(), this.#keepFollowing()]);
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closing.abort(new ClusterError('failed', 'the registry is closed'));
    this.#stream.abort();
    this.#gathering?.cancel();
    this.#waiting?.cancel();
    this.#untilList.end();
    this.#untilStream.end();
    await this.#loops;
  }

  status(): Record<string, unknown> {
    return {
      entries: this.#shown.endpoints.length,
      junk: this.#junk.length,
      slices: this.#store.slices.size,
      lists: this.#lists,
      streams: this.#streams,
    };
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #keepListing(): Promise<void> {
    const { cluster, clock, random } = this.#options;
    let apart = spacing;
    for (let failures = 0; !this.#closed; ) {
      const began = clock.now();
      try {
        this.#lists++;
        this.#doubt = false;
        this.#store.expect();
        const since = failures === 0 ? this.#store.version : undefined;
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
      const pause = failures === 0 ? jitter(this.#interval, 0.2, random) : this.#backoff(failures);
      const hurried = this.#doubt || (await this.#untilList.wait(pause));
      const early = began + apart - clock.now();
      apart = hurried ? Math.min(widest, apart * 2) : spacing;
      if (early > 0 && !this.#closed) await clock.sleep(early, this.#closing.signal).catch(() => {});
    }
  }

  async #keepFollowing(): Promise<void> {
    const { cluster, clock, random } = this.#options;
    for (let failures = 0; !this.#closed; ) {
      const since = this.#store.version;
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
          this.#store.forgetVersion();
          this.#untilList.end();
          continue;
        }
        failures++;
        this.#trouble('stream', error);
        // Once may be an accident. Now a list must find what no stream tells.
        if (failures === 2 && this.#troubles.list === undefined) this.#untilList.end();
      }
      if (signal.aborted) continue;
      await this.#untilStream.wait(failures === 0 ? this.#gather(random) : this.#backoff(failures));
    }
  }

  /** All slices, as of this version. */
  #take(slices: readonly unknown[], version: string): void {
    this.#store.replace(slices, version);
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
    if (!this.#store.apply(type, slice)) {
      this.#doubt = true;
      this.#untilList.end();
    } else if (type !== 'BOOKMARK') {
      this.#gathering ??= this.#options.clock.timer(this.#gather(this.#options.random), () => {
        this.#gathering = undefined;
        this.#show();
      });
    }
  }

  #trouble(of: 'list' | 'stream', error: unknown): void {
    this.#troubles[of] = error instanceof ClusterError ? error : new ClusterError('failed', String(error));
    this.#show();
  }

  /** Tells what is known and what is wrong, each if it is news. */
  #show(): void {
    const { views, clock } = this.#options;
    const reading = this.#read(this.#store.slices.values());
    const { junk, fault } = reading;
    const trouble =
      this.#troubles.list ??
      this.#troubles.stream ??
      (fault === undefined ? undefined : new ClusterError('failed', fault));
    this.#say(trouble, junk);
    this.#waiting?.cancel();
    if (this.#listed && fault === undefined) {
      const now = clock.now();
      // While nothing is told nobody's word is overdue.
      this.#shown = bridge(this.#shown, reading, now, this.#troubles.list === undefined ? patience : Infinity);
      const { endpoints } = this.#shown;
      const same = isDeepStrictEqual(endpointsOf(views.now), endpoints);
      if (!same || (trouble === undefined && views.now.state !== 'known')) views.push({ state: 'known', endpoints });
      const late = firstVanished(this.#shown) + patience - now;
      if (late > 0 && late < Infinity) this.#waiting = clock.timer(late, () => this.#show());
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
    if (junk.length > 0 && !isDeepStrictEqual(junk, this.#junk)) {
      log.warn({ entries: junk.slice(0, 8), count: junk.length }, 'some of an EndpointSlice is ignored');
    }
    this.#junk = junk;
  }

  get #interval(): number {
    return this.#troubles.stream === undefined ? interval.following : interval.alone;
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
