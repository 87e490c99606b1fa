/** Small things done with a link's requests. */
import { isCode } from './error.ts';
import type { Link, Stat } from './link.ts';
import { parentOf } from './names.ts';

/**
 * Makes a folder and those above it. Looks first: whoever may not create high up may still do so further down. The lowest `own`
 * belong to who has the secret; those above are shared with services that have another one.
 */
export async function makeFolder(link: Link, path: string, own: number): Promise<void> {
  if (path === '' || (await link.exists(path)) !== undefined) return;
  await makeFolder(link, parentOf(path), own - 1);
  await ignoring('NODE_EXISTS', link.create(path, undefined, own > 0 ? 'persistent' : 'shared'));
}

/**
 * What `read` gives of a node, or `undefined` if there is no such node. `onChange` is told of the next change: `read` gives it
 * along; of the node's making we ask for ourselves.
 */
export async function readOrAwait<T>(
  link: Link,
  path: string,
  onChange: () => void,
  read: () => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (!isCode(error, 'NO_NODE') || attempt === 3) throw error;
    }
    if ((await link.exists(path, onChange)) === undefined) return undefined;
  }
}

/** What was read of a node, if that belongs to our secret alone: that very node, not one that was made anew meanwhile. */
export async function owned<T extends { stat: Stat }>(link: Link, path: string, reading: Promise<T>): Promise<T> {
  const found = await reading;
  await link.checkOwned(path, found.stat.czxid);
  return found;
}

/** Waits for any answer of the server, be it a refusal. */
export async function answered(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isCode(error, 'LOST')) throw error;
  }
}

/** `undefined` in place of one of the server's refusals. */
export async function ignoring<T>(code: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isCode(error, code)) return undefined;
    throw error;
  }
}
