import { identify } from './slices.ts';

/** One thing that a stream told, at a version. Without a name it is a bookmark: nothing but the version. */
type Change =
  | { version: string }
  | { version: string; name: string; slice: object }
  | { version: string; name: string };

/** The slices of one service: a list, and what a stream told since. */
export class Store {
  #slices = new Map<string, object>();
  #version: string | undefined;
  /** What the stream tells while a list is under way, undefined while none is. */
  #meanwhile: Change[] | undefined;

  /** The newest version told, undefined if none is known that is of use. */
  get version(): string | undefined {
    return this.#version;
  }

  get slices(): ReadonlyMap<string, object> {
    return this.#slices;
  }

  /** The version is of no use: the server does not have it any more. */
  forgetVersion(): void {
    this.#version = undefined;
  }

  /** A list is asked for. One that was asked for before did not come. */
  expect(): void {
    this.#meanwhile = [];
  }

  /**
   * The list is there. It may be older than what the stream told while it was under way, for it may come from another server,
   * and it takes its time: what is newer holds.
   */
  replace(slices: readonly unknown[], version: string): void {
    this.#slices = new Map();
    for (const slice of slices) {
      const { name } = identify(slice);
      if (name !== undefined) this.#slices.set(name, slice as object);
    }
    this.#version = version;
    for (const change of this.#meanwhile ?? []) if (isNewer(change.version, version)) this.#apply(change);
    this.#meanwhile = undefined;
  }

  /** @returns false if it cannot be understood: who sends nonsense may have meant something */
  apply(type: string, slice: unknown): boolean {
    const change = readChange(type, slice);
    if (change === undefined) return false;
    this.#meanwhile?.push(change);
    this.#apply(change);
    return true;
  }

  #apply(change: Change): void {
    this.#version = change.version;
    if (!('name' in change)) return;
    if ('slice' in change) this.#slices.set(change.name, change.slice);
    else this.#slices.delete(change.name);
  }
}

function readChange(type: string, slice: unknown): Change | undefined {
  const { name, version } = identify(slice);
  if (version === undefined) return undefined;
  if (type === 'BOOKMARK') return { version };
  if (name === undefined) return undefined;
  if (type === 'ADDED' || type === 'MODIFIED') return { version, name, slice: slice as object };
  return type === 'DELETED' ? { version, name } : undefined;
}

/** Versions are numbers of any length, written without leading zeros. Of what is none, nobody knows. */
function isNewer(version: string, than: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(than)) return false;
  return version.length === than.length ? version > than : version.length > than.length;
}
