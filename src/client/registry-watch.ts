import type { Clock } from '../core/clock.ts';
import type { Endpoint } from '../core/endpoint.ts';
import type { Events } from '../core/events.ts';
import type { Registry, View } from '../registry/registry.ts';
import type { ClientEvents } from './events.ts';

/** What the registry last said of itself; `stale` if it failed after it was known. */
export interface RegistryState {
  state: View['state'] | 'stale';
  since: number;
  cause: string | undefined;
}

/** Follows a registry until the signal is aborted: hands on every known list, and keeps in mind how the registry does. */
export class RegistryWatch {
  #now: RegistryState;
  #failedAt = 0;
  readonly #clock: Clock;
  readonly #events: Events<ClientEvents>;
  readonly #signal: AbortSignal;
  readonly #onKnown: (endpoints: readonly Endpoint[]) => void;

  constructor(
    parts: { clock: Clock; events: Events<ClientEvents>; signal: AbortSignal },
    onKnown: (endpoints: readonly Endpoint[]) => void,
  ) {
    this.#clock = parts.clock;
    this.#events = parts.events;
    this.#signal = parts.signal;
    this.#onKnown = onKnown;
    this.#now = { state: 'pending', since: parts.clock.wallTime(), cause: undefined };
  }

  get now(): RegistryState {
    return this.#now;
  }

  /** Never rejects. */
  async follow(registry: Registry): Promise<void> {
    try {
      for await (const view of registry.watch(this.#signal)) this.#onView(view);
    } catch (error) {
      this.#onView({ state: 'failed', cause: error as Error });
    }
  }

  #onView(view: View): void {
    if (this.#signal.aborted) return;
    const before = this.#now.state;
    const cause = view.state === 'failed' ? view.cause.message : undefined;
    const wasKnown = before === 'known' || before === 'stale';
    const state = view.state === 'failed' && wasKnown ? 'stale' : view.state;
    if (before !== state) {
      this.#now = { state, since: this.#clock.wallTime(), cause };
      const now = this.#clock.now();
      if (cause !== undefined) {
        this.#failedAt = now;
        this.#events.emit('registry-stale', { cause });
      } else if (before === 'failed' || before === 'stale')
        this.#events.emit('registry-known', { for: Math.round(now - this.#failedAt) });
    }
    if (view.state === 'known') this.#onKnown(view.endpoints);
  }
}
