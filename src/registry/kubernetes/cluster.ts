/** The API server, as the rest of this folder sees it. `driver.ts` makes one; tests make others. */

export interface ListOptions {
  /** What is told is of this version or newer. Undefined: the newest that there is. */
  since: string | undefined;
  signal: AbortSignal;
}

export interface Listing {
  slices: readonly unknown[];
  version: string;
}

export interface WatchOptions {
  /** What happened after this version is told. */
  since: string;
  /** Ends it, without an error. */
  signal: AbortSignal;
  /** The server tells from now on. */
  onOpen(): void;
  /** @param type `ADDED`, `MODIFIED`, `DELETED` or `BOOKMARK`, as far as the server keeps to its word */
  onChange(type: string, slice: unknown): void;
}

/** The EndpointSlices of one service. Every request has a deadline, and rejects with a ClusterError. */
export interface Cluster {
  list(options: ListOptions): Promise<Listing>;
  /** Resolves when the server ends the stream, which it does now and then, or when it has been silent for long. */
  watch(options: WatchOptions): Promise<void>;
}

/**
 * A request that failed.
 *
 * - `gone`: the version is too old, or one that the server has never seen; without one it works.
 * - `unauthorized`: the server does not know who asks; a fresh token may help.
 * - `forbidden`: it knows, and says no.
 * - `failed`: all else.
 */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: 'gone' | 'unauthorized' | 'forbidden' | 'failed';

  constructor(code: ClusterError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
