import type { Kind, KubeObject } from './objects.ts';

/** The API server, as the rest of this folder sees it: `connect.ts` makes one. Every request has a deadline, and rejects with an ApiError. */
export interface Api {
  /** URL of the API server. */
  readonly server: string;
  /** The namespace that is meant when none is named: the pod's own, or the kubeconfig's. */
  readonly namespace: string;

  get<T extends KubeObject>(kind: Kind<T>, name: string, where?: Where): Promise<T>;
  list<T extends KubeObject>(kind: Kind<T>, where?: Where & { selector?: string }): Promise<Listing<T>>;
  /** Changes what the patch names (a JSON merge patch: `null` takes a field away), and gives the object as it is then. */
  patch<T extends KubeObject>(kind: Kind<T>, name: string, patch: object, where?: Where): Promise<T>;
  create<T>(kind: Kind, body: object, where?: Where & { of?: string; sub?: string }): Promise<T>;
  /** @param seconds how long it may take to end. Default: what the object itself says. */
  remove(kind: Kind, name: string, where?: Where & { seconds?: number }): Promise<void>;
  /** Anything else, e.g. `/version`. */
  read<T>(path: string): Promise<T>;

  /** Tells what happened after a version. Resolves when the server ends the stream, which it does all the time. */
  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions<T>): Promise<void>;
  /** Starts a program in a container. Resolves when it runs, as far as is known. */
  exec(options: ExecOptions): Promise<Running>;
}

export interface Where {
  /** Default: `Api.namespace`. */
  namespace?: string;
}

export interface Listing<T> {
  items: readonly T[];
  version: string;
}

export interface WatchOptions<T> extends Where {
  selector?: string;
  since: string;
  signal: AbortSignal;
  onOpen(): void;
  onEvent(event: WatchEvent<T>): void;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string } } };

export interface ExecOptions extends Where {
  pod: string;
  container: string;
  command: readonly string[];
}

/** A program that runs in a container. */
export interface Running {
  /** Writes to its stdin. */
  write(text: string): void;
  /** The lines of its stdout, until it ends. */
  readonly lines: AsyncIterable<string>;
  /** Resolves with why it ended, when it has: `exit code 0`, `the connection was lost`. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends its stdin and the connection. */
  close(): void;
}

/** A request that failed, as a sentence. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status of the answer; undefined when there was none. */
  readonly status: number | undefined;
  /** How long to wait before asking again, ms, where the server says so. */
  readonly retryAfter: number | undefined;

  constructor(message: string, facts: { status?: number; retryAfter?: number } = {}, options?: ErrorOptions) {
    super(message, options);
    this.status = facts.status;
    this.retryAfter = facts.retryAfter;
  }
}

export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof ApiError && error.status !== undefined && statuses.includes(error.status);
}
