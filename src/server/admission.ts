import type { Call, Layer, Reply } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { jitter, type Random } from '../core/random.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';
import { maxPushback } from '../policy/pushback.ts';

export interface AdmissionOptions {
  /** Calls at work at once in this process. Default 1,000; 1..1,000,000. More wait, then are refused as OVERLOADED. */
  maxConcurrent: number;
  /** How long a call may wait for its turn, ms. Default 100; 0 refuses at once. As many may wait as may be at work. */
  maxQueueTime: number;
}

export const admissionDefaults: AdmissionOptions = { maxConcurrent: 1_000, maxQueueTime: 100 };

/** The least that a caller is asked to wait, ms, on average: a place is free again at any moment. */
const shortestPushback = 20;

/** Lets in as many calls as the process can work on. A refused call was not started: it is safe to make elsewhere. */
export class Admission {
  inFlight = 0;
  #limits: AdmissionOptions;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #random: Random;
  /** Each gives its call a place, unless it is too late for it: then false. */
  readonly #queue = new Set<() => boolean>();

  constructor(options: AdmissionOptions, clock: Clock, wheel: TimerWheel, random: Random) {
    this.#limits = options;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#random = random;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /**
   * Takes other limits from now on. Calls at work go on, however many; those that wait do so as long as they were told, unless
   * there is a place sooner.
   */
  limit(limits: AdmissionOptions): void {
    this.#limits = limits;
    for (const next of this.#queue) {
      if (this.inFlight >= limits.maxConcurrent) return;
      if (next()) this.inFlight++;
    }
  }

  readonly layer: Layer = (next) => {
    /** The call has its place already. */
    const start = (call: Call): Reply | Promise<Reply> => {
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
      if (this.inFlight >= this.#limits.maxConcurrent) return this.#turn(call).then(() => start(call));
      this.inFlight++;
      return start(call);
    };
  };

  readonly #leave = (): void => {
    // The place is handed over, not given up: who comes in between must not take it. If there are fewer places by now, it is
    // gone with its call.
    if (this.inFlight <= this.#limits.maxConcurrent) for (const next of this.#queue) if (next()) return;
    this.inFlight--;
  };

  /** Resolves when the call has a place. */
  #turn(call: Call): Promise<void> {
    const { maxConcurrent, maxQueueTime } = this.#limits;
    if (maxQueueTime === 0 || this.#queue.size >= maxConcurrent) return Promise.reject(this.#overloaded());
    return new Promise((resolve, reject) => {
      const leaveQueue = () => {
        this.#queue.delete(admit);
        timer.cancel();
      };
      const admit = () => {
        leaveQueue();
        // Nobody waits for it any more: it would take the place of one that somebody waits for.
        const expired = call.deadline <= this.#clock.now();
        if (expired)
          reject(new RpcError('DEADLINE_EXCEEDED', 'the deadline passed while the call waited for its turn'));
        else resolve();
        return !expired;
      };
      const timer = this.#wheel.at(this.#clock.now() + maxQueueTime, () => {
        leaveQueue();
        reject(this.#overloaded());
      });
      this.#queue.add(admit);
      call.onCancel((cause) => {
        leaveQueue();
        reject(cause);
      });
    });
  }

  #overloaded(): RpcError {
    const { maxConcurrent, maxQueueTime } = this.#limits;
    // The whole queue is gone, one way or the other, within `maxQueueTime`; a part of it in that part of the time. Spread
    // widely, so that those who were turned away together do not come back together.
    const wait = shortestPushback + (maxQueueTime * this.#queue.size) / maxConcurrent;
    return new RpcError('RESOURCE_EXHAUSTED', `the server is full: ${maxConcurrent} calls are at work`, {
      reason: 'OVERLOADED',
      stage: 'refused',
      retryAfter: Math.min(maxPushback, Math.round(jitter(wait, 0.5, this.#random))),
    });
  }
}
