/** The vocabulary of ZooKeeper's client protocol: operations, errors, events, and the records more than one of them uses. */
import type { JuteReader, JuteWriter } from './jute.ts';

export const op = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  removeWatches: 18,
  auth: 100,
  setWatches: 101,
  setWatches2: 105,
  addWatch: 106,
  closeSession: -11,
  /** Only in the answer to a multi: this part has an error instead of a result. */
  error: -1,
} as const;

export const code = {
  ok: 0,
  /** In the answer to a failed multi: a part behind the one that failed. */
  runtimeInconsistency: -2,
  marshallingError: -5,
  unimplemented: -6,
  badArguments: -8,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  invalidAcl: -114,
  authFailed: -115,
  noWatcher: -121,
} as const;

export type ErrorName = Exclude<keyof typeof code, 'ok'>;

/** An answer that is an error: what a request can be refused with. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: number;

  constructor(name: ErrorName, detail: string) {
    super(`${name}: ${detail}`);
    this.code = code[name];
  }
}

/** Replies that answer no numbered request carry these instead of the request's number. */
export const xid = { event: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const eventType = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;

export type EventType = keyof typeof eventType;

/** One-shot, until removed, or until removed and for all below as well. Numbers of `addWatch`. */
export const watchMode = { persistent: 0, recursive: 1 } as const;

export const permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const;

/** Who someone is, as a scheme and a name in it: `digest`, `user:hash`; `world`, `anyone`; `ip`, `127.0.0.1`. */
export interface Identity {
  scheme: string;
  id: string;
}

/** What an identity may do, as bits of `permission`. */
export interface Acl {
  permissions: number;
  identity: Identity;
}

export interface Stat {
  /** Transactions that made the node, changed its data last, and its list of children last. */
  czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  /** When that was, ms since 1970. */
  ctime: number;
  mtime: number;
  /** How often data, list of children and ACL were changed. */
  version: number;
  cversion: number;
  aversion: number;
  /** The session that the node ends with, or 0. */
  ephemeralOwner: bigint;
  dataLength: number;
  numChildren: number;
}

export function writeStat(writer: JuteWriter, stat: Stat): void {
  writer.long(stat.czxid).long(stat.mzxid).long(BigInt(stat.ctime)).long(BigInt(stat.mtime));
  writer.int(stat.version).int(stat.cversion).int(stat.aversion);
  writer.long(stat.ephemeralOwner).int(stat.dataLength).int(stat.numChildren).long(stat.pzxid);
}

export function readAcl(reader: JuteReader): Acl[] {
  return reader.vector((r) => ({ permissions: r.int(), identity: { scheme: r.string(), id: r.string() } }));
}

export function writeAcl(writer: JuteWriter, acl: readonly Acl[]): void {
  writer.vector(acl, ({ permissions, identity }, w) => {
    w.int(permissions).string(identity.scheme).string(identity.id);
  });
}

/** The first packet of a client: a new session (id 0), or one to be gone on with. */
export interface ConnectRequest {
  lastZxidSeen: bigint;
  /** ms, as wished. */
  timeout: number;
  sessionId: bigint;
  password: Buffer;
  /** Clients since 3.4 say whether they would do with a read-only server, and read the same flag in the answer. */
  hasReadOnlyFlag: boolean;
}

export function readConnectRequest(reader: JuteReader): ConnectRequest {
  reader.int(); // protocol version: always 0
  return {
    lastZxidSeen: reader.long(),
    timeout: reader.int(),
    sessionId: reader.long(),
    password: reader.buffer() ?? Buffer.alloc(0),
    hasReadOnlyFlag: reader.left > 0,
  };
}
