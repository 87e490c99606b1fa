import type { Clock } from '../../core/clock.ts';
import { jitter, type Random, systemRandom } from '../../core/random.ts';
import { type Api, type ApiError, hasStatus } from './api.ts';
import { unanswered } from './api-error.ts';
import type { Kind, KubeObject } from './objects.ts';

/** Wait after a failure, ms, +-20 %: doubled each time. */
const backoff = { least: 200, most: 5_000 };
/** Between two streams, ms, +-20 %. Nothing is lost meanwhile: the next one begins where the last one ended. */
const pause = 50;

export interface WatchedOptions<T extends KubeObject> {
  api: Api;
  kind: Kind<T>;
  /** Of labels. Default: all of the namespace. */
  selector?: string;
  namespace?: string;
  clock: Clock;
  random?: Random;
  /** Called for each object that is new or changed, and each that is gone, when the news is there. */
  onPut?: (object: T) => void;
  onGone?: (object: T) => void;
  /** Called when nothing is told any more, and with undefined when it is again. */
  onTrouble?: (error: ApiError | undefined) => void;
}

/** The objects of a kind, as the API server told last: a list, and a stream of what changed since, renewed for ever. */
export class Watched<T extends KubeObject> {
  readonly #options: WatchedOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #closing = new AbortController();
  #troubled = false;
  #following: Promise<void> | undefined;

  constructor(options: WatchedOptions<T>) {
    this.#options = options;
  }

  /** Resolves when all are there that there are. Rejects with a sentence. */
  async start(): Promise<void> {
    const version = await this.#list();
    this.#following = this.#follow(version);
  }

  get all(): readonly T[] {
    return [...this.#objects.values()];
  }

  named(name: string): T | undefined {
    return this.#objects.get(name);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('nobody watches any more'));
    await this.#following;
  }

  async #list(): Promise<string> {
    const { api, kind, onGone } = this.#options;
    const { items, version } = await api.list(kind, this.#where);
    const there = new Map(items.map((object) => [object.metadata.name, object]));
    for (const [name, object] of this.#objects) {
      if (there.get(name)?.metadata.uid === object.metadata.uid) continue;
      this.#objects.delete(name);
      onGone?.(object);
    }
    for (const object of items) this.#put(object);
    return version;
  }

  async #follow(first: string): Promise<void> {
    const { clock, random = systemRandom } = this.#options;
    const { signal } = this.#closing;
    let version: string | undefined = first;
    for (let failures = 0; !signal.aborted; ) {
      try {
        version ??= await this.#list();
        version = await this.#stream(version, () => {
          failures = 0;
          this.#tell(undefined);
        });
        // A server that ends every stream at once must not be asked without a pause.
        await clock.sleep(jitter(pause, 0.2, random), signal).catch(() => {});
      } catch (error) {
        if (signal.aborted) return;
        version = undefined;
        // A version that is too old is nobody's fault: with a list it goes on.
        if (hasStatus(error, 410) && failures++ === 0) continue;
        this.#tell(unanswered(this.#options.api.server, error));
        const wait = Math.min(backoff.most, backoff.least * 2 ** Math.min(failures++, 10));
        await clock.sleep(jitter(wait, 0.2, random), signal).catch(() => {});
      }
    }
  }

  /** One stream, to its end. Gives the version from which the next one goes on. */
  async #stream(since: string, onOpen: () => void): Promise<string> {
    const { api, kind, onGone } = this.#options;
    let version = since;
    await api.watch(kind, {
      ...this.#where,
      since,
      signal: this.#closing.signal,
      onOpen,
      onEvent: ({ type, object }) => {
        version = object.metadata.resourceVersion;
        if (type === 'BOOKMARK') return;
        if (type !== 'DELETED') return this.#put(object);
        this.#objects.delete(object.metadata.name);
        onGone?.(object);
      },
    });
    return version;
  }

  #put(object: T): void {
    this.#objects.set(object.metadata.name, object);
    this.#options.onPut?.(object);
  }

  #tell(error: ApiError | undefined): void {
    if (this.#troubled === (error !== undefined)) return;
    this.#troubled = error !== undefined;
    this.#options.onTrouble?.(error);
  }

  get #where() {
    const { selector, namespace } = this.#options;
    return { ...(selector !== undefined && { selector }), ...(namespace !== undefined && { namespace }) };
  }
}
