import type { Random } from '../../core/random.ts';
import { MinTree } from './min-tree.ts';

/** Above this the time is set back to 0: times as small as 1/65536 must still count beside it. */
const longest = 2 ** 20;

/**
 * Whose turn it is, by deadlines ("stride scheduling"): a position of weight w has a turn every 1/w on a clock that only turns
 * move, and the earliest deadline is next. So each has its share of any stretch of turns, give or take one turn.
 * Source: Waldspurger and Weihl, "Stride Scheduling: Deterministic Proportional-Share Resource Management", 1995.
 */
export class Turns {
  readonly #random: Random;
  readonly #due = new MinTree();
  readonly #weights = new Map<number, number>();
  /** Deadlines of those that are hidden. */
  readonly #hidden = new Map<number, number>();
  /** No deadline is before it. */
  #now = 0;
  #begun = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * A newcomer is put into the middle of a turn, anywhere: as if it had been here all the time. All newcomers at the start
   * of a turn would come one after the other, and have the same order at every client.
   */
  add(position: number, weight: number): void {
    this.#weights.set(position, weight);
    this.#due.set(position, this.#now + this.#random() / weight);
  }

  /** Changes a weight. The part of a turn that was waited for stays waited for: a change gives nobody a turn or takes one. */
  weigh(position: number, weight: number): void {
    const wait = (this.#due.key(position) - this.#now) * this.#weights.get(position)!;
    this.#weights.set(position, weight);
    this.#due.set(position, this.#now + wait / weight);
  }

  remove(position: number): void {
    this.#weights.delete(position);
    this.#due.set(position, Infinity);
    if (this.#weights.size === 0) this.#begun = false;
  }

  /** Lets others go first until `show`. No weight may be changed between the two. */
  hide(position: number): void {
    this.#hidden.set(position, this.#due.key(position));
    this.#due.set(position, Infinity);
  }

  show(position: number): void {
    this.#due.set(position, this.#hidden.get(position)!);
    this.#hidden.delete(position);
  }

  /** Whose turn it is, of those not hidden; the turn is over then. */
  take(): number {
    if (!this.#begun) this.#begin();
    const position = this.#due.lowest;
    const due = this.#due.key(position);
    this.#now = this.#hidden.size === 0 ? due : this.#passHidden(due);
    this.#due.set(position, due + 1 / this.#weights.get(position)!);
    if (this.#now > longest) this.#setBack();
    return position;
  }

  /**
   * A turn at `due` passes over the hidden whose deadlines are earlier. They stay next in turn, but no more than one turn is
   * owed them: after a long time they would else have all the turns for as long. Returns the earliest deadline.
   */
  #passHidden(due: number): number {
    let earliest = due;
    for (const [position, hiddenDue] of this.#hidden) {
      const kept = Math.max(hiddenDue, due - 1 / this.#weights.get(position)!);
      this.#hidden.set(position, kept);
      earliest = Math.min(earliest, kept);
    }
    return earliest;
  }

  /**
   * The first turn of all is drawn by weight. The earliest of some random deadlines is not as likely as its weight says: a
   * weight of 1 beside one of 4 would have 1 first turn of 8 and not of 5. A client that makes few calls has many firsts.
   */
  #begin(): void {
    this.#begun = true;
    let total = 0;
    for (const [position, weight] of this.#weights) if (!this.#hidden.has(position)) total += weight;
    let rest = this.#random() * total;
    for (const [position, weight] of this.#weights) {
      if (this.#hidden.has(position)) continue;
      rest -= weight;
      if (rest < 0) return this.#due.set(position, this.#now);
    }
  }

  /** Rare enough to cost nothing: at least as many turns as 2^20 times the sum of all weights lie between two. */
  #setBack(): void {
    for (const position of this.#weights.keys()) {
      const due = this.#hidden.get(position);
      if (due === undefined) this.#due.set(position, this.#due.key(position) - this.#now);
      else this.#hidden.set(position, due - this.#now);
    }
    this.#now = 0;
  }
}
