import type { Log } from '../core/log.ts';
import { LiveSettings } from '../policy/live-settings.ts';
import type { Registry } from '../registry/registry.ts';
import type { AdmissionOptions } from './admission.ts';

/** What a server was started with, of that which may change. */
export interface ServerStart extends AdmissionOptions {
  id: string;
  /** As announced. */
  weight: number;
  log: Log;
}

/** What holds of a server now. */
export interface LiveServer {
  /** The weight that its clients go by. */
  readonly weight: number;
  /** True if its clients are told to give it no new calls. */
  readonly offline: boolean;
  readonly limits: AdmissionOptions;
}

/**
 * Follows the live settings: what they say of all servers, and of this one. Where they say nothing (any more) it is as it was
 * started. Weight and offline are for clients to apply; here they are told to people.
 */
export class ServerSettings {
  #now: LiveServer;
  readonly #start: ServerStart;
  readonly #onLimits: (limits: AdmissionOptions) => void;
  readonly #closing = new AbortController();

  /** @param onLimits called when the limits are others than before */
  constructor(registry: Registry | undefined, start: ServerStart, onLimits: (limits: AdmissionOptions) => void) {
    const { id, weight, maxConcurrent, maxQueueTime } = start;
    this.#start = { id, weight, maxConcurrent, maxQueueTime, log: start.log };
    this.#onLimits = onLimits;
    this.#now = { weight, offline: false, limits: { maxConcurrent, maxQueueTime } };
    if (registry !== undefined) void this.#watch(registry);
  }

  get now(): LiveServer {
    return this.#now;
  }

  /** What changes from now on is no concern of this server any more. */
  close(): void {
    this.#closing.abort();
  }

  async #watch(registry: Registry): Promise<void> {
    const { id, log } = this.#start;
    const live = new LiveSettings((change) => change.group === 'server' || change.id === id);
    try {
      for await (const document of registry.settings(this.#closing.signal)) {
        if (this.#closing.signal.aborted) return;
        const { changes, lines } = live.take(document);
        for (const { level, facts, message } of lines) log[level](facts, message);
        if (changes.length > 0) this.#apply(live);
      }
    } catch (err) {
      log.warn({ err }, 'the live settings cannot be followed any more');
    }
  }

  #apply({ now }: LiveSettings): void {
    const { id, weight, maxConcurrent, maxQueueTime } = this.#start;
    const { limits: before } = this.#now;
    const limits = { maxConcurrent, maxQueueTime, ...now.server };
    const node = now.nodes.get(id);
    this.#now = { weight: node?.weight ?? weight, offline: node?.offline ?? false, limits };
    if (limits.maxConcurrent !== before.maxConcurrent || limits.maxQueueTime !== before.maxQueueTime) {
      this.#onLimits(limits);
    }
  }
}
