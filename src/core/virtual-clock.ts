import { type Clock, sleepOn, type Timer } from './clock.ts';

interface Entry {
  at: number;
  order: number;
  callback: () => void;
}

/** A clock that moves only when told to. Timers fire in order of their time, and of their making when that is equal. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  #entries: Entry[] = [];
  readonly #epoch: number;

  /** @param epoch what `wallTime` says at the start, ms since 1970 */
  constructor(epoch = 1_700_000_000_000) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#epoch + this.#now;
  }

  timer(ms: number, callback: () => void): Timer {
    const entry = { at: this.#now + Math.max(0, ms), order: this.#order++, callback };
    const at = this.#entries.findIndex((e) => e.at > entry.at);
    this.#entries.splice(at < 0 ? this.#entries.length : at, 0, entry);
    return {
      cancel: () => {
        const index = this.#entries.indexOf(entry);
        if (index >= 0) this.#entries.splice(index, 1);
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Timers not fired yet. */
  get pending(): number {
    return this.#entries.length;
  }

  /** Moves on by `ms`, firing what is due on the way; code woken by promises does not run until the caller awaits. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#entries[0]; next !== undefined && next.at <= until; next = this.#entries[0]) {
      this.#entries.shift();
      this.#now = next.at;
      next.callback();
    }
    this.#now = until;
  }

  /** Like `advance`, and lets promises and streams in memory run after each timer, so that async code keeps up. */
  async run(ms: number): Promise<void> {
    const until = this.#now + ms;
    await turn();
    for (let next = this.#entries[0]; next !== undefined && next.at <= until; next = this.#entries[0]) {
      this.advance(next.at - this.#now);
      await turn();
    }
    this.#now = until;
    await turn();
  }
}

/** Lets everything that is ready now run to its end: microtasks, next ticks and with them streams in memory. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
