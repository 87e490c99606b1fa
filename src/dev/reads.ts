/** The requests that change nothing but who watches what. */
import { withoutHashes } from './acl.ts';
import type { Database, Peer } from './database.ts';
import { JuteError, type JuteReader, JuteWriter } from './jute.ts';
import { op, permission, watchMode, writeAcl, writeStat, ZooKeeperError } from './protocol.ts';
import { type Node, statOf, type Tree } from './tree.ts';
import type { Change, WatchKind } from './watches.ts';

/** Answers with the body in pieces: one of them may be shared by many answers. */
export type Read = (request: JuteReader, database: Database, peer: Peer) => readonly Buffer[];

const exists: Read = (request, { tree, watches }, peer) => {
  const asked = { path: request.string(), watch: request.bool() };
  if (asked.path.includes('\0')) throw new ZooKeeperError('badArguments', 'a path with a zero in it');
  if (tree.has(asked.path)) tree.getAs(asked.path, permission.read, peer.identities);
  // A watch for a node that is not there waits for it.
  if (asked.watch) watches.add('data', asked.path, peer);
  return [encodedStat(tree.get(asked.path))];
};

const getData: Read = (request, { tree, watches }, peer) => {
  const asked = { path: request.string(), watch: request.bool() };
  const node = tree.getAs(asked.path, permission.read, peer.identities);
  if (asked.watch) watches.add('data', asked.path, peer);
  return [encoded((writer) => writer.buffer(node.data)), encodedStat(node)];
};

const getChildren: Read = (request, database, peer) => [encodedChildren(watchedParent(request, database, peer))];

const getChildren2: Read = (request, database, peer) => {
  const node = watchedParent(request, database, peer);
  return [encodedChildren(node), encodedStat(node)];
};

function watchedParent(request: JuteReader, { tree, watches }: Database, peer: Peer): Node {
  const asked = { path: request.string(), watch: request.bool() };
  const node = tree.getAs(asked.path, permission.read, peer.identities);
  if (asked.watch) watches.add('child', asked.path, peer);
  return node;
}

const getAcl: Read = (request, { tree }, { identities }) => {
  const node = tree.getAs(request.string(), permission.read | permission.admin, identities);
  return [encoded((writer) => writeAcl(writer, withoutHashes(node.acl, identities))), encodedStat(node)];
};

const sync: Read = (request) => {
  const path = request.string();
  return [encoded((writer) => writer.string(path))];
};

/** After a reconnect: sets a client's watches anew, and tells it at once what it missed since the zxid it saw last. */
const setWatches: Read = (request, database, peer) => {
  const seen = request.long();
  const paths = { data: strings(request), exist: strings(request), child: strings(request) };
  const { tree, watches } = database;
  const restore = (kind: WatchKind, path: string, missed: Change['type'] | 'childrenChanged' | undefined) => {
    if (missed === undefined) watches.add(kind, path, peer);
    else peer.notify({ type: missed, path }, -1n);
  };
  for (const path of paths.data) {
    restore(
      'data',
      path,
      missedBy(tree, path, (node) => node.stat.mzxid > seen && 'dataChanged'),
    );
  }
  for (const path of paths.exist) restore('data', path, tree.has(path) ? 'created' : undefined);
  for (const path of paths.child) {
    restore(
      'child',
      path,
      missedBy(tree, path, (node) => node.stat.pzxid > seen && 'childrenChanged'),
    );
  }
  return [];
};

const setWatches2: Read = (request, database, peer) => {
  const body = setWatches(request, database, peer);
  for (const path of strings(request)) database.watches.addLasting('persistent', path, peer);
  for (const path of strings(request)) database.watches.addLasting('recursive', path, peer);
  return body;
};

function missedBy<T extends string>(
  tree: Tree,
  path: string,
  of: (node: Node) => T | false,
): T | 'deleted' | undefined {
  return tree.has(path) ? of(tree.get(path)) || undefined : 'deleted';
}

const addWatch: Read = (request, { watches }, peer) => {
  const asked = { path: request.string(), mode: request.int() };
  if (asked.mode === watchMode.persistent) watches.addLasting('persistent', asked.path, peer);
  else if (asked.mode === watchMode.recursive) watches.addLasting('recursive', asked.path, peer);
  else throw new JuteError(`watch mode ${asked.mode}`);
  return [encoded((writer) => writer.int(0))];
};

/** Of `removeWatches`: which watches are meant. */
const watchKinds = new Map<number, readonly WatchKind[]>([
  [1, ['child']],
  [2, ['data']],
  [3, ['data', 'child']],
]);

const removeWatches: Read = (request, { watches }, peer) => {
  const asked = { path: request.string(), kinds: watchKinds.get(request.int()) };
  if (asked.kinds === undefined) throw new JuteError('an unknown kind of watch');
  if (!watches.remove(asked.kinds, asked.path, peer)) throw new ZooKeeperError('noWatcher', asked.path);
  return [];
};

function encodedChildren(node: Node): Buffer {
  node.encodedChildren ??= encoded((writer) => writer.vector([...node.children], (name, w) => w.string(name)));
  return node.encodedChildren;
}

function encodedStat(node: Node): Buffer {
  return encoded((writer) => writeStat(writer, statOf(node)));
}

function encoded(write: (writer: JuteWriter) => void): Buffer {
  const writer = new JuteWriter();
  write(writer);
  return writer.done();
}

function strings(reader: JuteReader): string[] {
  return reader.vector((r) => r.string());
}

export const reads: ReadonlyMap<number, Read> = new Map<number, Read>([
  [op.exists, exists],
  [op.getData, getData],
  [op.getChildren, getChildren],
  [op.getChildren2, getChildren2],
  [op.getAcl, getAcl],
  [op.sync, sync],
  [op.setWatches, setWatches],
  [op.setWatches2, setWatches2],
  [op.addWatch, addWatch],
  [op.removeWatches, removeWatches],
]);
