import type { Clock } from '../../core/clock.ts';
import { type Api, hasStatus } from './api.ts';
import { type EndpointSlice, endpointSlices, type SliceEndpoint, serviceLabel } from './objects.ts';
import { Watched } from './watched.ts';

export interface SliceWatchOptions {
  api: Api;
  /** Name of the Service. */
  service: string;
  clock: Clock;
  /** ms since 1970 */
  now: () => number;
}

/**
 * The pods that the EndpointSlices of a Service name as ready: whoever goes by Kubernetes opens new connections to these. To know
 * them is good and not needed: where they may not be read, all of it is unknown, and no trouble.
 */
export class SliceWatch {
  readonly service: string;
  readonly #now: () => number;
  readonly #watched: Watched<EndpointSlice>;
  /** Pods, by uid. */
  #published: ReadonlySet<string> = new Set();
  readonly #withdrawnAt = new Map<string, number>();
  #readable = false;
  #unreadableAt = Number.NEGATIVE_INFINITY;

  constructor({ api, service, clock, now }: SliceWatchOptions) {
    this.service = service;
    this.#now = now;
    this.#watched = new Watched({
      api,
      kind: endpointSlices,
      selector: `${serviceLabel}=${service}`,
      clock,
      onPut: () => this.#read(),
      onGone: () => this.#read(),
      onTrouble: (error) => {
        this.#readable = error === undefined;
        this.#unreadableAt = now();
      },
    });
  }

  /** Resolves when all is known that there is, or that nothing will be. Rejects with a sentence when the API server fails. */
  async start(): Promise<void> {
    try {
      await this.#watched.start();
      this.#readable = true;
    } catch (cause) {
      if (!hasStatus(cause, 403, 404)) throw cause;
    }
  }

  /** How many pods there are; undefined while that cannot be read. */
  get count(): number | undefined {
    return this.#readable ? this.#published.size : undefined;
  }

  /** Whether a pod is among them, by its uid. */
  has(pod: string): boolean {
    return this.#published.has(pod);
  }

  /** Since when a pod has not been among them any more, ms since 1970; undefined while it is, and where it never was. */
  withdrawnAt(pod: string): number | undefined {
    return this.#withdrawnAt.get(pod);
  }

  /** Whether there was a time since then at which they could not be read. */
  wasUnreadable(since: number): boolean {
    return !this.#readable || this.#unreadableAt >= since;
  }

  close(): Promise<void> {
    return this.#watched.close();
  }

  #read(): void {
    const published = readyPods(this.#watched.all);
    for (const pod of this.#published) if (!published.has(pod)) this.#withdrawnAt.set(pod, this.#now());
    for (const pod of published) this.#withdrawnAt.delete(pod);
    this.#published = published;
  }
}

/** The same pod may stand in several slices: once for each IP family, and while it is moved from one to another. */
function readyPods(slices: readonly EndpointSlice[]): Set<string> {
  const all = slices.flatMap(({ endpoints }) => endpoints ?? []);
  const ready = podsOf(all.filter(({ conditions }) => conditions?.ready !== false));
  // One that ends is ready no more, whatever another slice still says.
  const ending = new Set(podsOf(all.filter(({ conditions }) => conditions?.terminating === true)));
  return new Set(ready.filter((pod) => !ending.has(pod)));
}

function podsOf(endpoints: readonly SliceEndpoint[]): string[] {
  return endpoints.flatMap(({ targetRef }) => targetRef?.uid ?? []);
}
