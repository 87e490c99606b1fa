import type { View } from './registry.ts';
import { replay, type Steady, steady } from './steady.ts';

interface Reader {
  waiting: View[];
  wake(): void;
}

/** One view, many readers, each at its own speed: the newest counts, and a failure never hides what was known. */
export class Views {
  #now: Steady = { state: 'pending' };
  #readers = new Set<Reader>();
  #closed = false;

  get now(): Steady {
    return this.#now;
  }

  push(view: View): void {
    // The same failure again is no news.
    if (view.state === 'failed' && 'cause' in this.#now && this.#now.cause.message === view.cause.message) return;
    this.#now = steady(this.#now, view);
    for (const reader of this.#readers) {
      // A reader that has not taken the known view yet must still get it before the failure that came after.
      const known = view.state === 'failed' ? reader.waiting.filter(({ state }) => state === 'known') : [];
      reader.waiting = [...known, view];
      reader.wake();
    }
  }

  /** Ends all readers, without an error. */
  close(): void {
    this.#closed = true;
    for (const reader of this.#readers) reader.wake();
  }

  async *watch(signal: AbortSignal): AsyncGenerator<View, void, void> {
    const reader: Reader = { waiting: replay(this.#now), wake() {} };
    const onAbort = () => reader.wake();
    signal.addEventListener('abort', onAbort);
    this.#readers.add(reader);
    try {
      while (!signal.aborted && !this.#closed) {
        const next = reader.waiting.shift();
        if (next !== undefined) yield next;
        else {
          await new Promise<void>((resolve) => {
            reader.wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#readers.delete(reader);
    }
  }
}
