/** Who waits for what: ZooKeeper's watches. Pure: it says who is to be told, telling is the caller's. */
import { parentOf } from './paths.ts';
import type { EventType } from './protocol.ts';

/** What happened to a node. */
export interface Change {
  type: 'created' | 'deleted' | 'dataChanged';
  path: string;
}

export interface Event {
  type: EventType;
  path: string;
}

/** `data` sees a node come, change and go; `child` sees its list of children change, and it go. */
export type WatchKind = 'data' | 'child';

export type WatchMode = 'once' | 'persistent' | 'recursive';

/** The watches of all clients; `Watcher` is whatever stands for one connection. */
export class Watches<Watcher> {
  readonly #data = new Table<Watcher>();
  readonly #child = new Table<Watcher>();

  /** A watch that ends with its first event. */
  add(kind: WatchKind, path: string, watcher: Watcher): void {
    (kind === 'data' ? this.#data : this.#child).add(path, watcher, 'once');
  }

  /** A watch that stays; a recursive one sees what happens to all nodes below as well, but no lists of children. */
  addLasting(mode: 'persistent' | 'recursive', path: string, watcher: Watcher): void {
    this.#data.add(path, watcher, mode);
    if (mode === 'persistent') this.#child.add(path, watcher, mode);
  }

  /** Takes back every watch of these kinds at the path. False if there was none. */
  remove(kinds: readonly WatchKind[], path: string, watcher: Watcher): boolean {
    const data = kinds.includes('data') && this.#data.remove(path, watcher);
    const child = kinds.includes('child') && this.#child.remove(path, watcher);
    return data || child;
  }

  /** Forgets a connection. */
  removeAll(watcher: Watcher): void {
    this.#data.removeAll(watcher);
    this.#child.removeAll(watcher);
  }

  /** Tells everybody who waited for this; each at most once an event. One-shot watches are used up by it. */
  fire(change: Change, tell: (watcher: Watcher, event: Event) => void): void {
    const { type, path } = change;
    const told = this.#data.take(path, type === 'deleted' ? this.#child.take(path) : new Set());
    for (const watcher of this.#data.recursiveAbove(path)) told.add(watcher);
    for (const watcher of told) tell(watcher, { type, path });
    if (type === 'dataChanged' || path === '/') return;
    const parent = parentOf(path);
    for (const watcher of this.#child.take(parent)) tell(watcher, { type: 'childrenChanged', path: parent });
  }

  get size(): number {
    return this.#data.size + this.#child.size;
  }
}

/** Watches of one kind, found by path and by watcher. */
class Table<Watcher> {
  readonly #byPath = new Map<string, Map<Watcher, Set<WatchMode>>>();
  readonly #byWatcher = new Map<Watcher, Set<string>>();
  /** Most servers have no recursive watch: then no path is climbed. */
  #recursive = 0;

  get size(): number {
    let size = 0;
    for (const paths of this.#byWatcher.values()) size += paths.size;
    return size;
  }

  add(path: string, watcher: Watcher, mode: WatchMode): void {
    const watchers = getOrInsert(this.#byPath, path, () => new Map<Watcher, Set<WatchMode>>());
    const modes = getOrInsert(watchers, watcher, () => new Set<WatchMode>());
    if (mode === 'recursive' && !modes.has(mode)) this.#recursive++;
    modes.add(mode);
    getOrInsert(this.#byWatcher, watcher, () => new Set<string>()).add(path);
  }

  /** Who watches the path, added to `into`. One-shot watches end. */
  take(path: string, into: Set<Watcher> = new Set()): Set<Watcher> {
    for (const [watcher, modes] of this.#byPath.get(path) ?? []) {
      into.add(watcher);
      modes.delete('once');
      if (modes.size === 0) this.remove(path, watcher);
    }
    return into;
  }

  *recursiveAbove(path: string): Iterable<Watcher> {
    for (let above = path; this.#recursive > 0 && above !== '/'; ) {
      above = parentOf(above);
      for (const [watcher, modes] of this.#byPath.get(above) ?? []) if (modes.has('recursive')) yield watcher;
    }
  }

  remove(path: string, watcher: Watcher): boolean {
    const watchers = this.#byPath.get(path);
    const modes = watchers?.get(watcher);
    if (watchers === undefined || modes === undefined) return false;
    if (modes.has('recursive')) this.#recursive--;
    watchers.delete(watcher);
    if (watchers.size === 0) this.#byPath.delete(path);
    const paths = this.#byWatcher.get(watcher);
    paths?.delete(path);
    if (paths?.size === 0) this.#byWatcher.delete(watcher);
    return true;
  }

  removeAll(watcher: Watcher): void {
    for (const path of this.#byWatcher.get(watcher) ?? []) this.remove(path, watcher);
  }
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
