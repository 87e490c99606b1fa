import { ZooKeeperError } from './protocol.ts';

/** Nodes that ZooKeeper has from the start and that cannot be deleted. */
export const builtInPaths = ['/zookeeper', '/zookeeper/config', '/zookeeper/quota'] as const;

/** The parent's path. Of a child of the root: `/`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Throws badArguments for what ZooKeeper does not take as a path. The rules are those of its PathUtils. */
export function checkPath(path: string): void {
  const bad = (why: string) => new ZooKeeperError('badArguments', `${JSON.stringify(path)} ${why}`);
  if (!path.startsWith('/')) throw bad('does not begin with /');
  if (path === '/') return;
  if (path.endsWith('/')) throw bad('ends with /');
  if (forbidden.test(path)) throw bad('has a character that is not allowed');
  for (const name of path.slice(1).split('/')) {
    if (name === '') throw bad('has an empty name in it');
    if (name === '.' || name === '..') throw bad('is relative');
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const forbidden = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;
