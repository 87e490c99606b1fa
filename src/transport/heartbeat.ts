import { type Clock, every, type Timer } from '../core/clock.ts';

export interface HeartbeatOptions {
  /** How long nothing may come in before the peer is asked for a sign of life. Default 1,000 ms; 50..600,000. */
  pingAfter: number;
  /** How long nothing may come in before the peer is taken for dead. Default 3,000 ms; more than `pingAfter`. */
  deadAfter: number;
}

export const heartbeatDefaults: HeartbeatOptions = { pingAfter: 1_000, deadAfter: 3_000 };

export interface HeartbeatEvents {
  /** When the last bytes came in (on the clock, ms). */
  lastReceived(): number;
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
    this.#timer = every(clock, Math.min(options.pingAfter, options.deadAfter - options.pingAfter) / 4, () =>
      this.#check(),
    );
  }

  /** True while the peer was asked and has been silent for longer than one more `pingAfter`. */
  get overdue(): boolean {
    return this.#unanswered() && this.#clock.now() - this.#asked! > this.#options.pingAfter;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #unanswered(): boolean {
    return this.#asked !== undefined && this.#events.lastReceived() <= this.#asked;
  }

  #check(): void {
    const now = this.#clock.now();
    const late = now - this.#lastCheck;
    this.#lastCheck = now;
    if (this.#unanswered()) {
      // We were stopped ourselves (a frozen process, a suspended laptop): what came meanwhile is not read yet.
      if (late > this.#options.pingAfter) this.#asked = now;
      if (now - this.#asked! >= this.#options.deadAfter - this.#options.pingAfter) {
        this.#events.onDead(now - this.#events.lastReceived());
      }
      return;
    }
    this.#asked = undefined;
    if (now - this.#events.lastReceived() >= this.#options.pingAfter && this.#events.ping()) this.#asked = now;
  }
}
