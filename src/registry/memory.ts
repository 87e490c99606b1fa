import type { Endpoint } from '../core/endpoint.ts';
import type { Lease, Registry } from './registry.ts';
import type { OpenSystem } from './system.ts';
import { Views } from './views.ts';

/** What all registries `memory:NAME` of one name share. */
export interface MemoryStore {
  /** Puts a server in that nobody announces, or takes its place by the same id. */
  set(endpoint: Endpoint): void;
  delete(id: string): void;
  /** From now on it cannot be read: watchers get `failed`, and changes are not seen until `recover`. */
  fail(cause: Error): void;
  recover(): void;
}

interface Store extends MemoryStore {
  readonly entries: ReadonlyMap<string, Endpoint>;
  readonly readers: Set<Views>;
  show(views: Views): void;
}

const stores = new Map<string, Store>();

/** The store behind `memory:NAME`, to play with in tests. */
export function memoryStore(name: string): MemoryStore {
  return storeOf(name);
}

function storeOf(name: string): Store {
  const found = stores.get(name);
  if (found !== undefined) return found;
  const entries = new Map<string, Endpoint>();
  const readers = new Set<Views>();
  let failure: Error | undefined;
  const showAll = () => {
    for (const views of readers) made.show(views);
  };
  const made: Store = {
    entries,
    readers,
    show(views) {
      const endpoints = [...entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      views.push(failure === undefined ? { state: 'known', endpoints } : { state: 'failed', cause: failure });
    },
    set(endpoint) {
      entries.set(endpoint.id, endpoint);
      showAll();
    },
    delete(id) {
      if (entries.delete(id)) showAll();
    },
    fail(cause) {
      failure = cause;
      showAll();
    },
    recover() {
      failure = undefined;
      showAll();
    },
  };
  stores.set(name, made);
  return made;
}

/** `memory:NAME`: one registry for all in this process that open it by the same name. */
export const openMemory: OpenSystem = (rest) => {
  if (!/^[\w./-]{1,200}$/.test(rest)) {
    throw new Error(`"memory:${rest}" has no valid name: expected letters, digits, dots, slashes and hyphens.`);
  }
  const store = storeOf(rest);
  const views = new Views();
  const leases = new Set<MemoryLease>();
  store.readers.add(views);
  store.show(views);
  return {
    url: `memory:${rest}`,
    announce(endpoint) {
      const lease = new MemoryLease(store, endpoint);
      leases.add(lease);
      return lease;
    },
    watch: (signal) => views.watch(signal),
    status: () => ({ state: views.now.state, entries: store.entries.size }),
    async close() {
      for (const lease of leases) await lease.release();
      store.readers.delete(views);
      views.close();
    },
  } satisfies Registry;
};

class MemoryLease implements Lease {
  readonly registered = Promise.resolve();
  #state: Lease['state'] = 'registered';
  #listeners: ((state: Lease['state']) => void)[] = [];
  readonly #store: Store;
  readonly #id: string;

  constructor(store: Store, endpoint: Endpoint) {
    this.#store = store;
    this.#id = endpoint.id;
    store.set({ ...endpoint, idAnnounced: true });
  }

  get state(): Lease['state'] {
    return this.#state;
  }

  onChange(listener: (state: Lease['state']) => void): void {
    this.#listeners.push(listener);
  }

  update(endpoint: Endpoint): void {
    if (endpoint.id !== this.#id) throw new Error(`An update keeps the id: expected ${this.#id}, not ${endpoint.id}.`);
    if (this.#state !== 'released') this.#store.set({ ...endpoint, idAnnounced: true });
  }

  async release(): Promise<void> {
    if (this.#state === 'released') return;
    this.#state = 'released';
    this.#store.delete(this.#id);
    for (const listener of this.#listeners) listener('released');
  }
}
