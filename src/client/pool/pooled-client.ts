import type { Call, Reply } from '../../core/call.ts';
import { every, type Timer } from '../../core/clock.ts';
import { address, type Endpoint } from '../../core/endpoint.ts';
import { RpcError } from '../../core/error.ts';
import { jitter } from '../../core/random.ts';
import { backoff } from '../../policy/backoff.ts';
import type { LinksEvents, NodeLinks, Sender } from '../node-links.ts';
import { errorKinds } from './classify.ts';
import { withDeadline } from './deadline.ts';
import type { FilledPoolOptions, PoolContext } from './options.ts';

/** What a pool is asked to do with a client. */
export type Work<T> = (client: T, context: PoolContext) => unknown;

const reconnect = { base: 50, max: 2_000 };
/** How long closing a client is waited for, ms. */
const closePatience = 1_000;
/** How often it is looked whether the work has ended, when the pool closes, ms. */
const closingLook = 20;

/** One node of a pool: the client that its user made for it. It is made again when it cannot be made, or is dead. */
export class PooledClient<T> implements NodeLinks, Sender {
  readonly endpoint: Endpoint;
  readonly draining = false;
  readonly departed = false;
  readonly ways = 1;
  readonly redundant = false;
  readonly saysDrain = false;
  readonly hello = undefined;
  readonly loads = [];
  reached = false;
  lastError: RpcError | undefined;
  nextDial: number | undefined;
  inFlight = 0;
  readonly #options: FilledPoolOptions<T>;
  readonly #events: LinksEvents;
  #client: { value: T } | undefined;
  #connecting: AbortController | undefined;
  #failures = 0;
  #redial: Timer | undefined;
  #checks: Timer | undefined;
  #checking = false;
  /** True if the last check failed. */
  #unwell = false;
  #stopped = false;
  /** When it is closed at the latest, whatever is at work, and the closing under way. */
  #until = Number.POSITIVE_INFINITY;
  #ending: Promise<void> | undefined;

  constructor(endpoint: Endpoint, options: FilledPoolOptions<T>, events: LinksEvents) {
    this.endpoint = endpoint;
    this.#options = options;
    this.#events = events;
  }

  get live(): boolean {
    return this.#client !== undefined && !this.#stopped;
  }

  get alive(): boolean {
    return this.live && !this.#unwell;
  }

  get faltering(): boolean {
    return !this.alive;
  }

  get heartbeatOverdue(): boolean {
    return !this.alive;
  }

  least(): Sender {
    return this;
  }

  start(delay: number): void {
    if (delay === 0) void this.#connect();
    else this.#later(delay);
  }

  hurry(): void {
    this.#redial?.cancel();
    void this.#connect();
  }

  send(call: Call): Promise<Reply> {
    const client = this.#client;
    if (client === undefined || this.#stopped) return Promise.reject(this.#failed('there is no client', 'unsent'));
    if (call.cancelled !== undefined) {
      return Promise.reject(call.cancelled.with({ stage: 'unsent', mayHaveExecuted: false }));
    }
    const { endpoint } = this;
    const context: PoolContext = {
      endpoint,
      get signal() {
        return call.signal;
      },
    };
    this.inFlight++;
    return new Promise((resolve, reject) => {
      call.onCancel((cause) => reject(cause.with({ stage: 'sent', mayHaveExecuted: true })));
      attempt(() => (call.input as Work<T>)(client.value, context))
        .then(
          (output) => resolve({ output }),
          (error) => reject(this.#judge(error, client)),
        )
        // Whoever waits for it: until the work ends, the node is busy with it.
        .finally(() => this.inFlight--);
    });
  }

  async probe(timeout: number): Promise<string | undefined> {
    if (this.#client === undefined) return 'not connected';
    const failed = await this.#ask(this.#client, timeout);
    return failed && messageOf(failed.error);
  }

  /** Resolves with what the health hook threw, if it did or was too late. */
  async #ask(client: { value: T }, timeout: number): Promise<{ error: unknown } | undefined> {
    const { hooks, shared } = this.#options;
    const { health } = hooks;
    if (health === undefined) return undefined;
    const controller = new AbortController();
    const context = { endpoint: this.endpoint, signal: controller.signal };
    try {
      await withDeadline(
        attempt(() => health(client.value, context)),
        timeout,
        shared.clock,
      );
      return undefined;
    } catch (error) {
      return { error };
    } finally {
      controller.abort();
    }
  }

  async stop(grace: number): Promise<void> {
    this.#stopped = true;
    this.#redial?.cancel();
    this.#connecting?.abort();
    this.#checks?.cancel();
    // Of several graces the shortest counts.
    this.#until = Math.min(this.#until, this.#options.shared.clock.now() + grace);
    this.#ending ??= this.#finish();
    await this.#ending;
  }

  async #finish(): Promise<void> {
    const { clock } = this.#options.shared;
    while (this.inFlight > 0 && clock.now() < this.#until) await clock.sleep(closingLook);
    await this.#discard();
  }

  async #connect(): Promise<void> {
    if (this.#stopped || this.#client !== undefined || this.#connecting !== undefined) return;
    this.nextDial = undefined;
    const { hooks, shared } = this.#options;
    const since = shared.clock.now();
    const controller = new AbortController();
    this.#connecting = controller;
    let client: { value: T } | undefined;
    let gone: string | undefined;
    const lost = (why: string) => {
      gone ??= why;
      if (client !== undefined) this.#lose(client, why);
    };
    const made = attempt(() => hooks.connect(this.endpoint, { signal: controller.signal, lost }));
    try {
      const value = await withDeadline(made, shared.connectTimeout, shared.clock);
      if (this.#stopped) return await this.#end(value);
      // It was there and gone again at once.
      if (gone !== undefined) throw new Error(gone);
      client = { value };
      this.#client = client;
      this.reached = true;
      this.lastError = undefined;
      this.#failures = 0;
      this.#startChecks();
      this.#events.onChange();
    } catch (error) {
      controller.abort();
      // One that is made too late is of no use, but it must be closed.
      made.then(
        (value) => void this.#end(value),
        () => {},
      );
      if (this.#stopped) return;
      this.lastError = this.#failed(messageOf(error), 'unsent', error);
      this.#events.onFault('refused', this.lastError, since);
      this.#retry();
    } finally {
      this.#connecting = undefined;
    }
  }

  #retry(): void {
    this.#later(backoff(++this.#failures, reconnect, this.#options.shared.random));
  }

  #later(wait: number): void {
    const { clock } = this.#options.shared;
    this.nextDial = clock.now() + wait;
    this.#redial = clock.timer(wait, () => void this.#connect());
  }

  #startChecks(): void {
    const { hooks, shared } = this.#options;
    if (hooks.health === undefined || shared.healthInterval === 0) return;
    this.#checks?.cancel();
    this.#checks = every(shared.clock, jitter(shared.healthInterval, 0.2, shared.random), () => void this.#check());
  }

  async #check(): Promise<void> {
    const client = this.#client;
    if (this.#checking || client === undefined) return;
    this.#checking = true;
    const { hooks, shared } = this.#options;
    const since = shared.clock.now();
    const failed = await this.#ask(client, shared.healthTimeout);
    this.#checking = false;
    if (this.#client !== client || this.#stopped) return;
    this.#unwell = failed !== undefined;
    if (failed === undefined) return this.#events.onPass();
    const message = messageOf(failed.error);
    if (hooks.classify(failed.error) === 'dead') this.#lose(client, message);
    else this.#events.onFault('health', this.#failed(message, 'sent'), since);
  }

  #judge(error: unknown, client: { value: T }): RpcError {
    const kind = this.#options.hooks.classify(error);
    if (!errorKinds.includes(kind)) {
      const message = `classify said "${kind}": expected one of ${errorKinds.join(', ')}`;
      return new RpcError('INTERNAL', message, { stage: 'answered', mayHaveExecuted: true });
    }
    const message = messageOf(error);
    if (kind === 'answer') return new RpcError('UNKNOWN', message, { stage: 'answered', cause: error });
    if (kind === 'unsent') return this.#failed(message, 'unsent', error);
    if (kind === 'overload') {
      return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'OVERLOADED', stage: 'refused', cause: error });
    }
    if (kind === 'dead') this.#lose(client, message);
    return this.#failed(message, 'sent', error);
  }

  /** This client is of no more use: another one is made. */
  #lose(client: { value: T }, message: string): void {
    if (this.#client !== client || this.#stopped) return;
    void this.#discard();
    this.lastError = this.#failed(message, 'sent');
    // First out of the pick: whoever hears of the fault may make a call.
    this.#events.onChange();
    this.#events.onFault('lost', this.lastError, this.#options.shared.clock.now());
    this.#retry();
  }

  async #discard(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#unwell = false;
    this.#checks?.cancel();
    if (client !== undefined) await this.#end(client.value);
  }

  async #end(value: T): Promise<void> {
    const { hooks, shared } = this.#options;
    const { close } = hooks;
    if (close === undefined) return;
    try {
      await withDeadline(
        attempt(() => close(value)),
        closePatience,
        shared.clock,
      );
    } catch (err) {
      shared.log.warn({ err, node: this.endpoint.id }, 'closing a client of the pool failed');
    }
  }

  #failed(message: string, stage: 'unsent' | 'sent', cause?: unknown): RpcError {
    const reason = stage === 'unsent' ? 'CONNECT_FAILED' : 'CONNECTION_LOST';
    const options = { reason, stage, mayHaveExecuted: stage === 'sent', cause } as const;
    return new RpcError('UNAVAILABLE', `${address(this.endpoint)}: ${message}`, options);
  }
}

/** Whatever a hook gives or throws, as a promise. */
async function attempt<R>(work: () => R | Promise<R>): Promise<R> {
  return work();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
