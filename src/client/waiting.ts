import type { Call } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';

/** Two steps of the timer wheel, ms. */
const beforeDeadline = 20;

/** Calls that wait because no node can be reached at the moment. A bounded number for a bounded time. */
export class WaitingCalls {
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #max: number;
  readonly #timeout: number;
  readonly #why: () => string;
  /** Ends each one's wait: well, or with the error that is given. */
  readonly #waiting = new Set<(error?: RpcError) => void>();
  #closed: RpcError | undefined;

  /** @param why says what is known of each node, for the error of who waited in vain */
  constructor(clock: Clock, wheel: TimerWheel, options: { max: number; timeout: number }, why: () => string) {
    this.#clock = clock;
    this.#wheel = wheel;
    this.#max = options.max;
    this.#timeout = options.timeout;
    this.#why = why;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when a node is there. Rejects with an unsent UNAVAILABLE, NO_NODES; or when the call is cancelled, or the client closed. */
  wait(call: Call): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#waiting.size >= this.#max) {
      return Promise.reject(noNodes(`${this.#max} calls wait for a server already; ${this.#why()}`));
    }
    return new Promise((resolve, reject) => {
      const end = (error?: RpcError) => {
        timer.cancel();
        this.#waiting.delete(end);
        call.offCancel(onCancel);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onCancel = (cause: RpcError) => end(cause.with({ stage: 'unsent', mayHaveExecuted: false }));
      // A little before the deadline, so that the caller learns why there was no answer, not only that there was none.
      const until = Math.min(call.deadline - beforeDeadline, this.#clock.now() + this.#timeout);
      const timer = this.#wheel.at(until, () => end(noNodes(this.#why())));
      this.#waiting.add(end);
      call.onCancel(onCancel);
    });
  }

  /** Lets all go on. */
  wake(): void {
    for (const end of [...this.#waiting]) end();
  }

  /** Fails all, and who comes from now on: there will be no node. */
  close(error: RpcError): void {
    this.#closed = error;
    for (const end of [...this.#waiting]) end(error);
  }
}

function noNodes(why: string): RpcError {
  return new RpcError('UNAVAILABLE', `no server can be reached: ${why}`, { reason: 'NO_NODES', stage: 'unsent' });
}
