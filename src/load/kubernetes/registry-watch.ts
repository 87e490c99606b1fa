import type { Clock } from '../../core/clock.ts';
import { address } from '../../core/endpoint.ts';
import { openRegistry } from '../../registry/open.ts';
import type { Registry } from '../../registry/registry.ts';

export interface RegistryWatchOptions {
  url: string;
  /** The secret for the registry. */
  auth: string | undefined;
  clock: Clock;
  /** ms since 1970 */
  now: () => number;
  onNews: (addresses: readonly string[] | undefined) => void;
}

/** The addresses of the servers that the registry holds. */
export class RegistryWatch {
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;
  #addresses: readonly string[] | undefined;
  #unreadableAt = Number.NEGATIVE_INFINITY;

  /** @throws a sentence when the URL or the secret is none that can be used */
  constructor(options: RegistryWatchOptions) {
    const { url, auth, clock } = options;
    this.#watching = this.#watch(openRegistry(url, { clock, auth }), options);
  }

  /** Undefined while it cannot be read. */
  get addresses(): readonly string[] | undefined {
    return this.#addresses;
  }

  /** Whether there was a time since then at which it could not be read. */
  wasUnreadable(since: number): boolean {
    return this.#addresses === undefined || this.#unreadableAt >= since;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watching;
  }

  async #watch(registry: Registry, { now, onNews }: RegistryWatchOptions): Promise<void> {
    try {
      for await (const view of registry.watch(this.#closing.signal)) {
        if (view.state === 'failed') this.#unreadableAt = now();
        this.#addresses = view.state === 'known' ? view.endpoints.map(address) : undefined;
        onNews(this.#addresses);
      }
    } finally {
      await registry.close();
    }
  }
}
