import type { Clock, Timer } from './clock.ts';
import { throwLater } from './throw-later.ts';

const step = 10;
const slots = 512;

/** An entry of the wheel: a link in the ring of its slot. */
class Entry implements Timer {
  tick: number;
  readonly callback: () => void;
  previous: Entry | undefined;
  next: Entry | undefined;
  readonly #wheel: TimerWheel;

  constructor(wheel: TimerWheel, tick: number, callback: () => void) {
    this.#wheel = wheel;
    this.tick = tick;
    this.callback = callback;
  }

  cancel(): void {
    this.#wheel.remove(this);
  }
}

/**
 * Many timers that are nearly always cancelled, such as deadlines, for the price of one: setting and cancelling are a
 * few pointer writes. Steps are 10 ms wide, and none fires early. Timers of more than 5.12 s go round more than once.
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 6.
 */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #heads: (Entry | undefined)[] = new Array(slots).fill(undefined);
  #count = 0;
  /** The last step that was fired. */
  #tick = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers not fired and not cancelled. */
  get size(): number {
    return this.#count;
  }

  /** Calls `callback` at the first step at or after `instant` (on the wheel's clock, ms). */
  at(instant: number, callback: () => void): Timer {
    if (this.#timer === undefined) {
      // The wheel stood still while it was empty: what passed meanwhile is of no interest.
      this.#tick = Math.floor(this.#clock.now() / step);
      this.#arm();
    }
    const entry = new Entry(this, Math.max(Math.ceil(instant / step), this.#tick + 1), callback);
    this.#insert(entry);
    this.#count++;
    return entry;
  }

  remove(entry: Entry): void {
    if (entry.tick < 0) return;
    this.#unlink(entry);
    entry.tick = -1;
    this.#count--;
  }

  #arm(): void {
    // Whoever waits for a deadline is still at work, so the process must live.
    this.#timer = this.#clock.timer(step, () => this.#advance(), { keepAlive: true });
  }

  #advance(): void {
    const until = Math.floor(this.#clock.now() / step);
    // After a long pause one round finds all that is due: the slots repeat.
    this.#tick = Math.max(this.#tick, until - slots);
    while (this.#tick < until && this.#count > 0) {
      this.#tick++;
      const head = this.#heads[this.#tick % slots];
      if (head !== undefined) this.#fire(head);
    }
    this.#tick = Math.max(this.#tick, until);
    if (this.#count > 0) this.#arm();
    else this.#timer = undefined;
  }

  #fire(head: Entry): void {
    // What is due is taken out first: a callback may set and cancel others of the same slot.
    const due: Entry[] = [];
    for (let entry: Entry | undefined = head; entry !== undefined; entry = entry.next)
      if (entry.tick <= this.#tick) due.push(entry);
    for (const entry of due) {
      if (entry.tick < 0) continue;
      this.remove(entry);
      try {
        entry.callback();
      } catch (error) {
        throwLater(error);
      }
    }
  }

  #insert(entry: Entry): void {
    const slot = entry.tick % slots;
    const head = this.#heads[slot];
    entry.next = head;
    if (head !== undefined) head.previous = entry;
    this.#heads[slot] = entry;
  }

  #unlink(entry: Entry): void {
    if (entry.previous !== undefined) entry.previous.next = entry.next;
    else this.#heads[entry.tick % slots] = entry.next;
    if (entry.next !== undefined) entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  }
}
