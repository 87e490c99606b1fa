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

/**
 * What may change while clients and servers run, as a registry holds it for a service: a JSON object. What it means, and
 * whether it may be, is for its readers to say (`policy/settings.ts`).
 */
export type SettingsDocument = Readonly<Record<string, unknown>>;

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
  /**
   * The live settings of the service, `undefined` while it has none, and every change of them, until the signal is aborted;
   * then it ends without an error. What cannot be read is no news: the last that could stay. A slow reader gets the newest.
   */
  settings(signal: AbortSignal): AsyncIterable<SettingsDocument | undefined>;
  /**
   * Changes the live settings, and resolves when the registry holds them. Nothing that others write meanwhile is lost: then
   * `change` is called again with what they wrote. It must not mind if it is applied to its own result, which happens when an
   * answer is lost and others wrote as well. Rejects with a sentence where it throws, where there can be no settings, where what
   * is there is no JSON object, and when it is not done within 10 s; then it may have been done or not.
   */
  configure(change: (settings: SettingsDocument | undefined) => SettingsDocument): Promise<void>;
  /** Facts for people and metrics, e.g. `{ session: '0x1…', junk: 2 }`. */
  status(): Record<string, unknown>;
  close(): Promise<void>;
}
