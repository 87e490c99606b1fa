import { type Clock, every, type Timer } from '../core/clock.ts';

export interface HeartbeatOptions {
  /** How long nothing may come in before the peer is asked for a sign of life. Default 1,000 ms; 50..600,000. */
  pingAfter: number;
  /** How long nothing may come in before the peer is taken for dead. Default 3,000 ms; more than `pingAfter`. */
  deadAfter: number;
}

export const heartbeatDefaults: HeartbeatOptions = { pingAfter: 1_000, deadAfter: 3_000 };

export interface HeartbeatEvents {
  /** Called before each look at `lastSign`. */
  look(now: number): void;
  /** When the peer last gave a sign of life (on the clock, ms). */
  lastSign(): number;
  /** Asks the peer. Returns false if it cannot be asked now: then its silence proves nothing. */
  ping(): boolean;
  onDead(silentFor: number): void;
}

/** Asks a silent peer whether it lives, and says when it does not. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #options: HeartbeatOptions;
  readonly #events: HeartbeatEvents;
  readonly #timer: Timer;
  /** When the oldest question without an answer was asked. */
  #asked: number | undefined;
  #lastCheck: number;

  constructor(clock: Clock, options: HeartbeatOptions, events: HeartbeatEvents) {
    this.#clock = clock;
    this.#options = options;
    this.#events = events;
    this.#lastCheck = clock.now();
    const interval = Math.min(options.pingAfter, options.deadAfter - options.pingAfter) / 4;
    this.#timer = every(clock, interval, () => this.#check());
  }

  /** True while the peer was asked and has been silent for longer than one more `pingAfter`. */
  get overdue(): boolean {
    return this.#asked !== undefined && this.#unanswered && this.#clock.now() - this.#asked > this.#options.pingAfter;
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** An answer may come within the same instant, where time is virtual. */
  get #unanswered(): boolean {
    return this.#asked !== undefined && this.#events.lastSign() < this.#asked;
  }

  #check(): void {
    const { pingAfter, deadAfter } = this.#options;
    const now = this.#clock.now();
    const late = now - this.#lastCheck;
    this.#lastCheck = now;
    this.#events.look(now);
    if (this.#asked !== undefined && this.#unanswered) {
      // We were stopped ourselves (a frozen process, a suspended laptop): what came meanwhile is not read yet.
      if (late > pingAfter) this.#asked = now;
      if (now - this.#asked >= deadAfter - pingAfter) this.#events.onDead(now - this.#events.lastSign());
      return;
    }
    if (now - this.#events.lastSign() >= pingAfter && this.#events.ping()) this.#asked = now;
  }
}
