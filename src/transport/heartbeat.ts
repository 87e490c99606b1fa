import { type Clock, every, type Timer } from '../core/clock.ts';
import { jitter, type Random } from '../core/random.ts';

export interface HeartbeatOptions {
  /** How long nothing may come in before the peer is asked for a sign of life. Default 1,000 ms; 50..600,000. */
  pingAfter: number;
  /** How long nothing may come in before the peer is taken for dead. Default 3,000 ms; more than `pingAfter`. */
  deadAfter: number;
  /**
   * How often a peer that does say something is asked for its load, ms, +-20 %. Default 1,000; 0 for never, else
   * 100..30,000. A peer that is silent is asked by `pingAfter`, and tells its load by the way. More often tells nothing new:
   * a server measures itself once a second.
   */
  loadEvery: number;
}

export const heartbeatDefaults: HeartbeatOptions = { pingAfter: 1_000, deadAfter: 3_000, loadEvery: 1_000 };

/** Clients that came at the same time shall not ask in step. */
const spread = 0.2;

export interface HeartbeatEvents {
  /** Called before each look at `lastSign`. */
  look(now: number): void;
  /** When the peer last gave a sign of life (on the clock, ms). */
  lastSign(): number;
  /** Asks the peer. Returns false if it cannot be asked now: then its silence proves nothing. */
  ping(): boolean;
  /** Asks the peer for its load. Returns false if it is not to be asked now. */
  askLoad(): boolean;
  onDead(silentFor: number): void;
}

/**
 * Asks a silent peer whether it lives, and says when it does not. Asks one that talks for its load: that is no question of
 * life, and whether its answer comes late, or never, means nothing here. Only silence counts.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: HeartbeatOptions;
  readonly #events: HeartbeatEvents;
  readonly #timer: Timer;
  /** When the oldest question without an answer was asked. */
  #asked: number | undefined;
  #lastCheck: number;
  /** When it is next asked for its load. */
  #loadDue: number;

  constructor(clock: Clock, random: Random, options: HeartbeatOptions, events: HeartbeatEvents) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
    this.#events = events;
    this.#lastCheck = clock.now();
    const { pingAfter, deadAfter, loadEvery } = options;
    this.#loadDue = loadEvery === 0 ? Number.POSITIVE_INFINITY : clock.now() + random() * loadEvery;
    const interval = Math.min(pingAfter, deadAfter - pingAfter, loadEvery || pingAfter) / 4;
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
    if (now - this.#events.lastSign() >= pingAfter) {
      if (!this.#events.ping()) return;
      this.#asked = now;
      this.#onLoadAsked(now);
    } else if (now >= this.#loadDue && this.#events.askLoad()) this.#onLoadAsked(now);
  }

  #onLoadAsked(now: number): void {
    const { loadEvery } = this.#options;
    if (loadEvery > 0) this.#loadDue = now + jitter(loadEvery, spread, this.#random);
  }
}
