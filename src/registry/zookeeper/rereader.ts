/**
 * When to read again: on a connection that is new, when a watch fired, now and then without being woken, and after a read
 * that failed. A watch fires once and says nothing of what came after, and it can be lost: so it only wakes us.
 */
import { type Clock, every, type Timer } from '../../core/clock.ts';
import { jitter, type Random } from '../../core/random.ts';
import type { Link } from './link.ts';
import type { SessionUser, Supervisor } from './supervisor.ts';

/** How long the first change waits for others, ms: 50 to 100, so that many clients do not read at the same moment. */
const gather = { least: 50, most: 100 };
/** While changes go on, reads are this far apart, ms. */
export const spacing = 150;
/** How often all is read again without a reason, ms, +-20 %. */
const interval = 30_000;
/** Wait after a read that failed on a live connection, ms: doubled each time. */
const backoff = { least: 500, most: 30_000 };

export interface RereaderParts {
  supervisor: Supervisor;
  clock: Clock;
  random: Random;
  /** Reads, one at a time. What it rejects with on a live connection goes to `onFailure`, and it is tried again later. */
  read(link: Link): Promise<void>;
  /** @param first true if the read before did not fail */
  onFailure(cause: Error, first: boolean): void;
  /** No server can be reached. */
  onDown?(cause: Error): void;
  /** The next read is one without a reason. */
  onInterval?(): void;
}

export class Rereader implements SessionUser {
  readonly #parts: RereaderParts;
  readonly #interval: Timer;
  #timer: Timer | undefined;
  #reading = false;
  #again = false;
  #failures = 0;
  #lastRead = Number.NEGATIVE_INFINITY;

  constructor(parts: RereaderParts) {
    this.#parts = parts;
    const { supervisor, clock, random, onInterval } = parts;
    this.#interval = every(
      clock,
      () => jitter(interval, 0.2, random),
      () => {
        onInterval?.();
        this.#now();
      },
    );
    supervisor.join(this);
  }

  up(): void {
    this.#failures = 0;
    this.#now();
  }

  down(cause: Error): void {
    this.#parts.onDown?.(cause);
  }

  over(): void {}

  close(): void {
    this.#timer?.cancel();
    this.#interval.cancel();
    this.#parts.supervisor.leave(this);
  }

  /** A change was told: gather those that come with it. */
  soon(): void {
    const { clock, random } = this.#parts;
    const first = gather.least + (gather.most - gather.least) * random();
    this.after(Math.max(first, this.#lastRead + spacing - clock.now()));
  }

  /** Reads in `ms`, unless it will sooner. */
  after(ms: number): void {
    this.#timer ??= this.#parts.clock.timer(ms, () => this.#now());
  }

  #now(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#reading) this.#again = true;
    else void this.#work();
  }

  async #work(): Promise<void> {
    const { supervisor, clock, random, read, onFailure } = this.#parts;
    this.#reading = true;
    do {
      this.#again = false;
      const link = supervisor.link;
      // `up` wakes us.
      if (link === undefined) break;
      try {
        this.#lastRead = clock.now();
        await read(link);
        this.#failures = 0;
      } catch (error) {
        if (link.ended.aborted) continue;
        onFailure(error instanceof Error ? error : new Error(String(error)), this.#failures === 0);
        this.after(jitter(Math.min(backoff.most, backoff.least * 2 ** Math.min(10, this.#failures++)), 0.2, random));
      }
    } while (this.#again);
    this.#reading = false;
  }
}
