import type { Call, Layer, Reply } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';

export interface AdmissionOptions {
  /** Calls at work at once in this process. Default 1,000; 1..1,000,000. More wait, then are refused as OVERLOADED. */
  maxConcurrent: number;
  /** How long a call may wait for its turn, ms. Default 100; 0 refuses at once. As many may wait as may be at work. */
  maxQueueTime: number;
}

export const admissionDefaults: AdmissionOptions = { maxConcurrent: 1_000, maxQueueTime: 100 };

/** Lets in as many calls as the process can work on. A refused call was not started: it is safe to make elsewhere. */
export class Admission {
  inFlight = 0;
  readonly #options: AdmissionOptions;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #queue = new Set<() => void>();

  constructor(options: AdmissionOptions, clock: Clock, wheel: TimerWheel) {
    this.#options = options;
    this.#clock = clock;
    this.#wheel = wheel;
  }

  get queued(): number {
    return this.#queue.size;
  }

  readonly layer: Layer = (next) => {
    const start = (call: Call): Reply | Promise<Reply> => {
      this.inFlight++;
      let reply: Reply | Promise<Reply>;
      try {
        reply = next(call);
      } catch (error) {
        this.#leave();
        throw error;
      }
      if (reply instanceof Promise) reply.then(this.#leave, this.#leave);
      else this.#leave();
      return reply;
    };
    return (call) => {
      // Whether the server is well must be asked most urgently when it is busy.
      if (call.method === 'health') return next(call);
      if (this.inFlight < this.#options.maxConcurrent) return start(call);
      return this.#turn(call).then(() => start(call));
    };
  };

  readonly #leave = (): void => {
    this.inFlight--;
    const [first] = this.#queue;
    if (first !== undefined) first();
  };

  #turn(call: Call): Promise<void> {
    const { maxConcurrent, maxQueueTime } = this.#options;
    if (maxQueueTime === 0 || this.#queue.size >= maxConcurrent) return Promise.reject(overloaded(maxConcurrent));
    return new Promise((resolve, reject) => {
      const leaveQueue = () => {
        this.#queue.delete(admit);
        timer.cancel();
      };
      const admit = () => {
        leaveQueue();
        resolve();
      };
      const timer = this.#wheel.at(this.#clock.now() + maxQueueTime, () => {
        leaveQueue();
        reject(overloaded(maxConcurrent));
      });
      this.#queue.add(admit);
      call.onCancel((cause) => {
        leaveQueue();
        reject(cause);
      });
    });
  }
}

function overloaded(limit: number): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `the server is full: ${limit} calls are at work`, {
    reason: 'OVERLOADED',
    stage: 'refused',
  });
}
