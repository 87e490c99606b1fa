import type { Clock, Timer } from '../core/clock.ts';

/** What is being closed. */
export interface Closable {
  /** Calls whose answer is still to come. */
  readonly inFlight: number;
  /** Says that there is no more, and ends. */
  end(): void;
  /** Ends at once. */
  destroy(): void;
}

/** The way out of a client's connection: wait for the calls at work, but not for ever; then end, and wait for that. */
export class Closing {
  readonly #clock: Clock;
  readonly #connection: Closable;
  readonly #timers = new Set<Timer>();
  #gone: PromiseWithResolvers<void> | undefined;

  constructor(clock: Clock, connection: Closable) {
    this.#clock = clock;
    this.#connection = connection;
  }

  /** Ends when no call is at work, or after `grace` ms. The shortest grace of several counts. Resolves when it is gone. */
  begin(grace: number): Promise<void> {
    this.#gone ??= Promise.withResolvers<void>();
    if (this.#connection.inFlight === 0) this.#connection.end();
    else this.#timers.add(this.#clock.timer(grace, () => this.#connection.destroy(), { keepAlive: true }));
    return this.#gone.promise;
  }

  /** To be called when a call was answered. */
  onAnswer(): void {
    if (this.#gone !== undefined && this.#connection.inFlight === 0) this.#connection.end();
  }

  /** To be called when the connection is gone. */
  onGone(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#gone?.resolve();
  }
}
