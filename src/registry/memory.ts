import type { Endpoint } from '../core/endpoint.ts';
import { Latest } from './latest.ts';
import type { Lease, Registry, SettingsDocument } from './registry.ts';
import { readDocument, writeDocument } from './settings-document.ts';
import type { OpenSystem } from './system.ts';
import { Views } from './views.ts';

/** What all registries `memory:NAME` of one name share. */
export interface MemoryStore {
  /** Puts a server in that nobody announces, or takes its place by the same id. */
  set(endpoint: Endpoint): void;
  delete(id: string): void;
  /** Puts these live settings in the place of all others; `undefined` for none. */
  configure(settings: SettingsDocument | undefined): void;
  /** From now on it cannot be read: watchers get `failed`, and changes are not seen until `recover`. */
  fail(cause: Error): void;
  recover(): void;
}

/** What one registry object shows of a store. */
interface Reader {
  readonly views: Views;
  readonly settings: Latest<SettingsDocument | undefined>;
}

interface Store extends MemoryStore {
  readonly entries: ReadonlyMap<string, Endpoint>;
  readonly readers: Set<Reader>;
  readonly settings: SettingsDocument | undefined;
  /** Why it cannot be read at the moment. */
  readonly failure: Error | undefined;
  show(reader: Reader): void;
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
  const readers = new Set<Reader>();
  let settings: SettingsDocument | undefined;
  let failure: Error | undefined;
  const showAll = () => {
    for (const reader of readers) made.show(reader);
  };
  const made: Store = {
    entries,
    readers,
    get settings() {
      return settings;
    },
    get failure() {
      return failure;
    },
    show(reader) {
      if (failure !== undefined) return reader.views.push({ state: 'failed', cause: failure });
      const endpoints = [...entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      reader.views.push({ state: 'known', endpoints });
      reader.settings.push(settings);
    },
    set(endpoint) {
      entries.set(endpoint.id, endpoint);
      showAll();
    },
    delete(id) {
      if (entries.delete(id)) showAll();
    },
    configure(given) {
      settings = given === undefined ? undefined : copyOf(given);
      showAll();
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
  const reader: Reader = { views: new Views(), settings: new Latest() };
  const { views, settings } = reader;
  const leases = new Set<MemoryLease>();
  store.readers.add(reader);
  store.show(reader);
  return {
    url: `memory:${rest}`,
    announce(endpoint) {
      const lease = new MemoryLease(store, endpoint);
      leases.add(lease);
      return lease;
    },
    watch: (signal) => views.watch(signal),
    settings: (signal) => settings.watch(signal),
    async configure(change) {
      if (store.failure !== undefined) throw store.failure;
      // A copy: who writes into what he is given must not write into what others read.
      store.configure(change(structuredClone(store.settings)));
    },
    status: () => ({ state: views.now.state, entries: store.entries.size }),
    async close() {
      for (const lease of leases) await lease.release();
      store.readers.delete(reader);
      views.close();
      settings.close();
    },
  } satisfies Registry;
};

/** As others would read it: who changes his own object later changes nothing here. */
function copyOf(settings: SettingsDocument): SettingsDocument | undefined {
  const read = readDocument(writeDocument(settings));
  return 'document' in read ? read.document : undefined;
}

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
