import type { Endpoint } from '../../core/endpoint.ts';
import { type ConnectOptions, connectOptions, type FilledConnectOptions } from '../options.ts';
import { classifyByCode, type ErrorKind } from './classify.ts';

/** What is known of the node that work is done on. */
export interface PoolContext {
  /** Aborted when nobody waits for the work any more. */
  readonly signal: AbortSignal;
  readonly endpoint: Endpoint;
}

/** What a client is made with. */
export interface MakingContext {
  /** Aborted when it is not wanted any more: it took too long, or the pool closes. */
  readonly signal: AbortSignal;
  /** To be called when the client has lost its connection for good: another one is made, without waiting for work to fail. */
  lost(why: string): void;
}

/** How a client of another package is made, asked and closed. */
export interface PoolHooks<T> {
  /**
   * Makes a client for one node, and resolves when it can work. Rejects, or is too late (`connectTimeout`), and the node is
   * at fault; it is called again, with a backoff of 50 ms to 2 s.
   */
  connect(endpoint: Endpoint, context: MakingContext): T | Promise<T>;
  /** Ends a client. Default: nothing. Waited for at most 1 s; what it throws is logged. */
  close?(client: T): unknown;
  /**
   * Throws where the node does not do its work. Called every `healthInterval`, and as the one probe that decides whether a
   * suspended node comes back; too late (`healthTimeout`) is a fault. Default: none; a suspended node comes back by time.
   */
  health?(client: T, context: PoolContext): unknown;
  /** Judges what the work threw. Default: by the codes of Node's and undici's errors (`classifyByCode`). */
  classify?(error: unknown): ErrorKind;
}

type Shared = Omit<ConnectOptions, 'network' | 'limits' | 'heartbeat' | 'helloTimeout' | 'loadThresholds'>;

/** Options of a pool: those of `connect` that are not about evenkeel's own wire, and the hooks. */
export interface PoolOptions<T> extends Shared, PoolHooks<T> {
  /** Whether work may be done twice, where `use` does not say. Default false: then it is only sent again if it never left. */
  idempotent?: boolean;
  /** How long making a client may take, and how long work waits for a first node, ms. Default 5,000; 10..600,000. */
  connectTimeout?: number;
}

export interface FilledPoolOptions<T> {
  shared: FilledConnectOptions;
  hooks: Required<Pick<PoolHooks<T>, 'connect' | 'classify'>> & {
    close: PoolHooks<T>['close'] | undefined;
    health: PoolHooks<T>['health'] | undefined;
  };
  idempotent: boolean;
}

/** Fills in the defaults. Throws an error that names the option and what it takes. */
export function poolOptions<T>(given: PoolOptions<T>): FilledPoolOptions<T> {
  const { connect, close, health, classify = classifyByCode } = given;
  for (const [name, hook] of Object.entries({ connect, close, health, classify })) {
    if (typeof hook !== 'function' && (hook !== undefined || name === 'connect'))
      throw new TypeError(`option "${name}" is ${hook}: expected a function`);
  }
  // A pool's clients have no heartbeat of ours: the health hook is both.
  const shared = connectOptions({ ...given, healthInterval: given.healthInterval ?? 1_000 });
  if (shared.connectTimeout < 10)
    throw new RangeError(
      `option "connectTimeout" is ${shared.connectTimeout}: expected a whole number from 10 to 600000`,
    );
  return { shared, hooks: { connect, close, health, classify }, idempotent: given.idempotent ?? false };
}
