import { throwLater } from './throw-later.ts';

/** Typed events: a map from names to what their listeners get. */
export class Events<Map extends object> {
  readonly #listeners = new globalThis.Map<keyof Map, Set<(fact: never) => void>>();

  /** Calls `listener` at each event of that name. Returns what ends it. */
  on<Name extends keyof Map>(name: Name, listener: (fact: Map[Name]) => void): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<Name extends keyof Map>(name: Name, fact: Map[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    for (const listener of listeners) {
      try {
        (listener as (fact: Map[Name]) => void)(fact);
      } catch (error) {
        throwLater(error);
      }
    }
  }
}
