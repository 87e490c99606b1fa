import type { Endpoint } from '../core/endpoint.ts';

/**
 * What is known of a service's servers. "There are none", "not asked yet" and "the registry does not answer" are
 * different words, because they call for different deeds.
 */
export type View =
  | { state: 'known'; endpoints: readonly Endpoint[] }
  /** No answer yet: at the start. */
  | { state: 'pending' }
  /** The registry cannot be read at the moment. What was known before is still the best that is known. */
  | { state: 'failed'; cause: Error };

/** A server's entry in a registry, kept up until it is released: through lost connections and expired sessions. */
export interface Lease {
  /** `registered` while the entry is there as far as is known; `pending` while it is not (yet, or for now). */
  readonly state: 'pending' | 'registered' | 'released';
  /** Called at every change of `state`. */
  onChange(listener: (state: Lease['state']) => void): void;
  /** Resolves when the entry is there for the first time. Never rejects: an unreachable registry is waited for. */
  readonly registered: Promise<void>;
  /** Says something else of the same server from now on (weight, tags). */
  update(endpoint: Endpoint): void;
  /**
   * Takes the entry back: it is gone from the registry, or will be when its session ends, and is never made again.
   * Never rejects. Waits at most `timeout` ms (default 1,000) for the registry.
   */
  release(timeout?: number): Promise<void>;
}

/** Where servers are known: one object is one service in one registry. Closing ends its watches and releases its leases. */
export interface Registry {
  /** Without secrets: for logs and errors. */
  readonly url: string;
  /** Puts a server in, and keeps it in. Throws at once where the registry cannot be written to by its nature. */
  announce(endpoint: Endpoint): Lease;
  /**
   * What is known, and every change of it, until the signal is aborted; then it ends without an error. A slow reader
   * gets the newest view, not all those between.
   */
  watch(signal: AbortSignal): AsyncIterable<View>;
  /** Facts for people and metrics, e.g. `{ session: '0x1…', junk: 2 }`. */
  status(): Record<string, unknown>;
  close(): Promise<void>;
}
