/** The tree of nodes, in memory. Pure: a transaction brings its number, time and rights; what changed is written into it. */
import { allows, openAcl, resolveAcl } from './acl.ts';
import { builtInPaths, checkPath, nameOf, parentOf } from './paths.ts';
import { type Acl, type Identity, permission, type Stat, ZooKeeperError } from './protocol.ts';
import type { Change } from './watches.ts';

/** One step of the tree's life. Its writes are all done, or, after `undo`, none. */
export interface Transaction {
  readonly zxid: bigint;
  /** ms since 1970. */
  readonly time: number;
  /** Who asks: owner of the ephemeral nodes it makes. */
  readonly session: bigint;
  readonly identities: readonly Identity[];
  /** What happened, in order. */
  readonly changes: Change[];
  /** Takes back what was done, last first. */
  readonly undo: (() => void)[];
}

/** Takes back everything the transaction did. */
export function rollBack(txn: Transaction): void {
  for (const undo of txn.undo.reverse()) undo();
  txn.undo.length = 0;
  txn.changes.length = 0;
}

export interface CreateMode {
  ephemeral: boolean;
  sequential: boolean;
}

export interface Node {
  readonly children: Set<string>;
  data: Buffer | null;
  acl: readonly Acl[];
  /** Children ever made here: the next sequence number. */
  created: number;
  /** All but what follows from the fields above. */
  stat: Omit<Stat, 'cversion' | 'dataLength' | 'numChildren'>;
  /** The list of children as it goes over the wire, until it changes: a thousand clients may want it at once. */
  encodedChildren?: Buffer | undefined;
}

export class Tree {
  readonly #nodes = new Map<string, Node>();
  readonly #ephemerals = new Map<bigint, Set<string>>();

  constructor() {
    for (const path of ['/', ...builtInPaths]) {
      this.#nodes.set(path, newNode(null, openAcl, 0n, 0, 0n));
      if (path !== '/') this.#nodes.get(parentOf(path))?.children.add(nameOf(path));
    }
  }

  get size(): number {
    return this.#nodes.size;
  }

  has(path: string): boolean {
    return this.#nodes.has(path);
  }

  /** Throws noNode. */
  get(path: string): Node {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new ZooKeeperError('noNode', path);
    return node;
  }

  /** Throws noNode, and noAuth if the identities have none of the permissions. */
  getAs(path: string, wanted: number, identities: readonly Identity[]): Node {
    const node = this.get(path);
    if (!allows(node.acl, wanted, identities)) throw new ZooKeeperError('noAuth', path);
    return node;
  }

  /** Paths of the nodes that end with a session. */
  ephemeralsOf(session: bigint): string[] {
    return [...(this.#ephemerals.get(session) ?? [])];
  }

  /** Returns the path, which ends in ten digits more if it is sequential. */
  create(txn: Transaction, path: string, data: Buffer | null, acl: readonly Acl[], mode: CreateMode): string {
    if (!path.includes('/') || path.includes('\0')) throw new ZooKeeperError('badArguments', JSON.stringify(path));
    const resolved = resolveAcl(acl, txn.identities);
    const parentPath = parentOf(path);
    const parent = this.getAs(parentPath, permission.create, txn.identities);
    const full = mode.sequential ? path + String(parent.created).padStart(10, '0') : path;
    checkPath(full);
    if (this.has(full)) throw new ZooKeeperError('nodeExists', full);
    if (parent.stat.ephemeralOwner !== 0n) throw new ZooKeeperError('noChildrenForEphemerals', full);

    const owner = mode.ephemeral ? txn.session : 0n;
    this.#link(full, newNode(copyOf(data), resolved, txn.zxid, txn.time, owner));
    const before = parent.stat;
    parent.created++;
    parent.stat = { ...before, pzxid: txn.zxid };
    txn.undo.push(() => {
      this.#unlink(full);
      parent.created--;
      parent.stat = before;
    });
    txn.changes.push({ type: 'created', path: full });
    return full;
  }

  delete(txn: Transaction, path: string, version: number): void {
    if (path === '/' || path.includes('\0') || !path.startsWith('/') || builtInPaths.some((own) => own === path)) {
      throw new ZooKeeperError('badArguments', path);
    }
    this.getAs(parentOf(path), permission.delete, txn.identities);
    const node = this.get(path);
    checkVersion(path, node.stat.version, version);
    if (node.children.size > 0) throw new ZooKeeperError('notEmpty', path);
    this.#delete(txn, path, node);
  }

  setData(txn: Transaction, path: string, data: Buffer | null, version: number): void {
    checkPath(path);
    const node = this.getAs(path, permission.write, txn.identities);
    checkVersion(path, node.stat.version, version);
    const before = { data: node.data, stat: node.stat };
    node.data = copyOf(data);
    node.stat = { ...node.stat, version: node.stat.version + 1, mzxid: txn.zxid, mtime: txn.time };
    txn.undo.push(() => Object.assign(node, before));
    txn.changes.push({ type: 'dataChanged', path });
  }

  setAcl(txn: Transaction, path: string, acl: readonly Acl[], version: number): void {
    checkPath(path);
    const resolved = resolveAcl(acl, txn.identities);
    const node = this.getAs(path, permission.admin, txn.identities);
    checkVersion(path, node.stat.aversion, version);
    const before = { acl: node.acl, stat: node.stat };
    node.acl = resolved;
    node.stat = { ...node.stat, aversion: node.stat.aversion + 1 };
    txn.undo.push(() => Object.assign(node, before));
  }

  /** Throws unless the node is there in this version (-1: any). */
  check(txn: Transaction, path: string, version: number): void {
    checkPath(path);
    const node = this.getAs(path, permission.read, txn.identities);
    checkVersion(path, node.stat.version, version);
  }

  /** Removes the nodes that end with the transaction's session. */
  endSession(txn: Transaction): void {
    for (const path of this.ephemeralsOf(txn.session)) this.#delete(txn, path, this.get(path));
  }

  #delete(txn: Transaction, path: string, node: Node): void {
    const parent = this.get(parentOf(path));
    const before = parent.stat;
    this.#unlink(path);
    parent.stat = { ...before, pzxid: txn.zxid };
    txn.undo.push(() => {
      this.#link(path, node);
      parent.stat = before;
    });
    txn.changes.push({ type: 'deleted', path });
  }

  #link(path: string, node: Node): void {
    this.#nodes.set(path, node);
    const parent = this.get(parentOf(path));
    parent.children.add(nameOf(path));
    parent.encodedChildren = undefined;
    const owner = node.stat.ephemeralOwner;
    if (owner === 0n) return;
    const paths = this.#ephemerals.get(owner) ?? new Set();
    this.#ephemerals.set(owner, paths.add(path));
  }

  #unlink(path: string): void {
    const owner = this.get(path).stat.ephemeralOwner;
    this.#nodes.delete(path);
    const parent = this.get(parentOf(path));
    parent.children.delete(nameOf(path));
    parent.encodedChildren = undefined;
    const paths = this.#ephemerals.get(owner);
    paths?.delete(path);
    if (paths?.size === 0) this.#ephemerals.delete(owner);
  }
}

export function statOf(node: Node): Stat {
  const numChildren = node.children.size;
  // Children made plus children deleted, and the latter are those made that are not there.
  const cversion = 2 * node.created - numChildren;
  return { ...node.stat, cversion, dataLength: node.data?.length ?? 0, numChildren };
}

function newNode(data: Buffer | null, acl: readonly Acl[], zxid: bigint, time: number, owner: bigint): Node {
  const times = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: time, mtime: time };
  const stat = { ...times, version: 0, aversion: 0, ephemeralOwner: owner };
  return { children: new Set(), data, acl, created: 0, stat };
}

/** What was read is a view into a packet: keeping it would keep the whole packet. */
function copyOf(data: Buffer | null): Buffer | null {
  return data === null ? null : Buffer.from(data);
}

function checkVersion(path: string, is: number, wanted: number): void {
  if (wanted !== -1 && wanted !== is) throw new ZooKeeperError('badVersion', `${path} is at ${is}, not ${wanted}`);
}
