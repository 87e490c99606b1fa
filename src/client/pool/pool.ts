import { RpcError } from '../../core/error.ts';
import { Caller } from '../caller.ts';
import type { ClientEvents } from '../events.ts';
import type { NodesView } from '../view.ts';
import { type PoolContext, type PoolOptions, poolOptions } from './options.ts';
import { PooledClient } from './pooled-client.ts';

/** What one `use` takes besides the work. */
export interface UseOptions {
  /** Whether the work may be done twice. Default: the pool's. */
  idempotent?: boolean;
  /** How long all attempts together may take, ms. Default: the pool's; 1..2^31-1. */
  timeout?: number;
  /** How many nodes the work may be sent to. Default: the pool's. */
  attempts?: number;
  /** With the balancer `hash`: work of one key goes to one node, as long as it is well. */
  hashKey?: string;
  /** Gives the work up. */
  signal?: AbortSignal;
  /** What the work is called in metrics, and what its usual latency is known by: a word of the program, never of its users. Default `use`. */
  name?: string;
}

/**
 * Evenkeel's failover for any client: Redis, HTTP, SQL. The same registries, weights, failed list, balancers, retries,
 * hedging, metrics and reasons as for its own calls; only what is sent and on what is the user's.
 *
 * @example
 * const pool = new WeightedPool({ registry: 'static:a:6379,b:6379', connect: ({ host, port }) => new Redis(port, host), idempotent: true });
 * await pool.use((redis) => redis.get('key'));
 */
export class WeightedPool<T> implements AsyncDisposable {
  readonly #caller: Caller;
  readonly #idempotent: boolean;

  /** Returns at once: the first `use` waits until a node is connected. Throws where an option is wrong. */
  constructor(options: PoolOptions<T>) {
    const filled = poolOptions(options);
    this.#idempotent = filled.idempotent;
    this.#caller = new Caller(
      filled.shared,
      undefined,
      () => true,
      (endpoint, events) => new PooledClient(endpoint, filled, events),
    );
  }

  /**
   * Does the work on one node; on another one if it fails there and may be done again. Rejects with what the work threw if
   * that was the node's answer (see `classify`), else with an RpcError that lists the nodes tried and why.
   */
  async use<R>(work: (client: T, context: PoolContext) => R | Promise<R>, options: UseOptions = {}): Promise<R> {
    const { idempotent = this.#idempotent, name = 'use', ...rest } = options;
    try {
      const reply = await this.#caller.call({
        ...rest,
        service: '',
        method: name,
        input: work,
        repeatable: idempotent,
      });
      return reply.output as R;
    } catch (error) {
      throw RpcError.is(error) && error.stage === 'answered' && error.cause !== undefined ? error.cause : error;
    }
  }

  /** What is known of the nodes now. */
  nodes(): NodesView {
    return this.#caller.view();
  }

  /** Calls `listener` at each event of that name. Returns what ends it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (fact: ClientEvents[Name]) => void): () => void {
    return this.#caller.events.on(name, listener);
  }

  /** Takes no new work, lets that under way finish for at most `grace` ms (default 5,000), closes all clients. Never rejects. */
  close(grace = 5_000): Promise<void> {
    return this.#caller.close(grace);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
