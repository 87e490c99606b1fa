import type { Clock } from '../core/clock.ts';
import type { Endpoint } from '../core/endpoint.ts';
import type { Events } from '../core/events.ts';
import type { Log } from '../core/log.ts';
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
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #events: Events<ClientEvents>;
  readonly #signal: AbortSignal;
  readonly #onKnown: (endpoints: readonly Endpoint[]) => void;

  constructor(
    parts: { clock: Clock; log: Log; events: Events<ClientEvents>; signal: AbortSignal },
    onKnown: (endpoints: readonly Endpoint[]) => void,
  ) {
    this.#clock = parts.clock;
    this.#log = parts.log;
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
    if (before !== state) this.#now = { state, since: this.#clock.wallTime(), cause };
    if (view.state === 'known') this.#onKnown(view.endpoints);
    else if (view.state === 'failed' && before !== state) {
      this.#log.warn({ cause }, 'the registry cannot be read: going on with the servers known');
      this.#events.emit('registry-stale', { cause: cause ?? '' });
    }
  }
}
