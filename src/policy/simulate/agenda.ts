/** What is to happen, and is called off by setting `off`. */
export interface Due {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  off: boolean;
}

/** A clock that jumps from one event to the next, in order of time, and of making where that is equal: a binary heap. */
export class Agenda {
  #now = 0;
  #order = 0;
  readonly #heap: Due[] = [];

  /** ms since the beginning. */
  get now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): Due {
    const due = { at: this.#now + Math.max(0, ms), order: this.#order++, callback, off: false };
    this.#heap.push(due);
    this.#up(this.#heap.length - 1);
    return due;
  }

  /** Calls back every so often, as long as the run goes on. `wait` is asked before each time. */
  every(wait: () => number, callback: () => void): void {
    this.after(wait(), () => {
      callback();
      this.every(wait, callback);
    });
  }

  /** Lets everything happen that is due until then. */
  run(until: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#shift();
      this.#now = next.at;
      if (!next.off) next.callback();
    }
    this.#now = until;
  }

  #shift(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down();
  }

  #up(at: number): void {
    const heap = this.#heap;
    const due = heap[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, due)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  #down(): void {
    const heap = this.#heap;
    const due = heap[0]!;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(due, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = due;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
