import { isDeepStrictEqual } from 'node:util';

/** One value that changes, many readers, each at its own speed: only the newest counts. The same again is no news. */
export class Latest<T> {
  #now: { readonly value: T } | undefined;
  #closed = false;
  readonly #wakes = new Set<() => void>();

  push(value: T): void {
    if (this.#now !== undefined && isDeepStrictEqual(this.#now.value, value)) return;
    this.#now = { value };
    for (const wake of this.#wakes) wake();
  }

  /** Ends all readers, without an error. */
  close(): void {
    this.#closed = true;
    for (const wake of this.#wakes) wake();
  }

  /** Begins with the newest value, if there is one yet. */
  async *watch(signal: AbortSignal): AsyncGenerator<T, void, void> {
    let seen: { readonly value: T } | undefined;
    let wake = () => {};
    const onWake = () => wake();
    signal.addEventListener('abort', onWake);
    this.#wakes.add(onWake);
    try {
      while (!signal.aborted && !this.#closed) {
        const now = this.#now;
        if (now !== undefined && now !== seen) {
          seen = now;
          yield now.value;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', onWake);
      this.#wakes.delete(onWake);
    }
  }
}
