import type { Clock, Timer } from '../../core/clock.ts';
import type { Incident } from '../cluster.ts';

/**
 * How long nothing may be told of a kind of objects, ms. Streams break: a load balancer resets them, an API server is replaced or has
 * too much to do. The list that is asked for then misses nothing.
 */
const patience = 5_000;

export interface HearingOptions {
  clock: Clock;
  /** ms since 1970 */
  now: () => number;
  /** Told when nothing was heard for too long, once until all is heard again. */
  onIncident: (incident: Incident) => void;
  /** Told when there was silence that did not last, a sentence. */
  say: (sentence: string) => void;
}

/** Whether we are told what happens: of each kind of objects by itself. */
export class Hearing {
  readonly #options: HearingOptions;
  readonly #waiting = new Map<string, { since: number; why: string; timer: Timer }>();
  /** Kinds of which nothing was heard for too long. */
  readonly #deaf = new Set<string>();

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  /** Nothing is told any more of a kind of objects, as long as `heard` is not called for it. */
  lost(kind: string, why: string): void {
    const { clock, now } = this.#options;
    this.#waiting.get(kind)?.timer.cancel();
    this.#waiting.set(kind, { since: now(), why, timer: clock.timer(patience, () => this.#tooLong(kind)) });
  }

  heard(kind: string): void {
    const { now, say } = this.#options;
    const silence = this.#waiting.get(kind);
    silence?.timer.cancel();
    this.#waiting.delete(kind);
    if (this.#deaf.delete(kind) || silence === undefined) return;
    say(`${silence.why}; ${kind} were heard of again after ${((now() - silence.since) / 1000).toFixed(1)} s`);
  }

  close(): void {
    for (const { timer } of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
  }

  #tooLong(kind: string): void {
    const { since, why } = this.#waiting.get(kind)!;
    // All of them at once is one thing.
    if (this.#deaf.size === 0)
      this.#options.onIncident({ at: since, what: `${why}; nothing was heard of ${kind} for ${patience / 1000} s` });
    this.#deaf.add(kind);
  }
}
