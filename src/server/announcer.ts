import type { Endpoint } from '../core/endpoint.ts';
import type { Lease, Registry } from '../registry/registry.ts';

/** Keeps a server known while it can serve. Its process alone holds the registration, so handlers cannot starve it. */
export class Announcer {
  readonly #registry: Registry | undefined;
  readonly #endpoint: Endpoint;
  #lease: Lease | undefined;
  #gone = false;
  #onceRegistered = false;

  constructor(registry: Registry | undefined, endpoint: Endpoint) {
    this.#registry = registry;
    this.#endpoint = endpoint;
  }

  /** `none` without a registry. */
  get state(): Lease['state'] | 'none' {
    return this.#registry === undefined ? 'none' : (this.#lease?.state ?? 'released');
  }

  /** True once it was registered: being ready asks for that once, and never again, or a registry's outage would be ours. */
  get wasRegistered(): boolean {
    return this.#registry === undefined || this.#onceRegistered;
  }

  /** Makes the server known, until `withdraw` or `leave`. */
  announce(): void {
    if (this.#registry === undefined || this.#gone || this.#lease !== undefined) return;
    this.#lease = this.#registry.announce(this.#endpoint);
    void this.#lease.registered.then(() => {
      this.#onceRegistered = true;
    });
  }

  /** Takes the registration back for now: nobody is there to serve. */
  async withdraw(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await lease?.release();
  }

  /** Takes the registration back for good. */
  async leave(): Promise<void> {
    this.#gone = true;
    await this.withdraw();
  }

  /** Resolves when the server is known for the first time; at once without a registry. */
  get registered(): Promise<void> {
    return this.#lease?.registered ?? Promise.resolve();
  }
}
