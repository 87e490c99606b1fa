import type { Endpoint } from '../core/endpoint.ts';
import type { Lease, Registry } from '../registry/registry.ts';

/** Keeps a server known while it can serve. Its process alone holds the registration, so handlers cannot starve it. */
export class Announcer {
  readonly #registry: Registry | undefined;
  readonly #endpoint: Endpoint;
  readonly #onChange: () => void;
  readonly #registered = Promise.withResolvers<void>();
  #lease: Lease | undefined;
  /** While a former registration is being taken back: a new one must not meet it. */
  #withdrawing: Promise<void> | undefined;
  /** True if the server shall be known. */
  #wanted = false;
  #gone = false;
  #onceRegistered = false;

  /** @param onChange called when `state` or `wasRegistered` changes */
  constructor(registry: Registry | undefined, endpoint: Endpoint, onChange: () => void = () => {}) {
    this.#registry = registry;
    this.#endpoint = endpoint;
    this.#onChange = onChange;
    if (registry === undefined) this.#registered.resolve();
  }

  /** `none` without a registry. */
  get state(): Lease['state'] | 'none' {
    return this.#registry === undefined ? 'none' : (this.#lease?.state ?? 'released');
  }

  /** True once it was registered: being ready asks for that once, and never again, or a registry's outage would be ours. */
  get wasRegistered(): boolean {
    return this.#registry === undefined || this.#onceRegistered;
  }

  /** Resolves when the server is known for the first time; at once without a registry. */
  get registered(): Promise<void> {
    return this.#registered.promise;
  }

  /** Makes the server known, until `withdraw` or `leave`. */
  announce(): void {
    if (this.#gone) return;
    this.#wanted = true;
    this.#take();
  }

  /** Takes the registration back for now: nobody is there to serve. */
  async withdraw(): Promise<void> {
    this.#wanted = false;
    const lease = this.#lease;
    if (lease !== undefined) {
      this.#lease = undefined;
      this.#withdrawing = lease.release().then(() => {
        this.#withdrawing = undefined;
        this.#take();
      });
    }
    await this.#withdrawing;
  }

  /** Takes the registration back for good. */
  async leave(): Promise<void> {
    this.#gone = true;
    await this.withdraw();
  }

  #take(): void {
    if (!this.#wanted || this.#registry === undefined || this.#lease !== undefined || this.#withdrawing !== undefined) {
      return;
    }
    const lease = this.#registry.announce(this.#endpoint);
    this.#lease = lease;
    const look = () => {
      if (lease.state === 'registered') {
        this.#onceRegistered = true;
        this.#registered.resolve();
      }
      this.#onChange();
    };
    lease.onChange(look);
    look();
  }
}
