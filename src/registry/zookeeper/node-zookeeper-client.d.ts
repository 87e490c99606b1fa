/**
 * What we use of node-zookeeper-client 1.1.3, which brings no types. `ConnectionManager` is its inside: driver.ts says
 * which parts of it we touch, and why.
 */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  export interface Exception extends Error {
    /** E.g. -101 */
    code: number;
    /** E.g. `NO_NODE` */
    name: string;
  }

  /** 64-bit numbers are big-endian buffers of 8 bytes. */
  export interface Stat {
    czxid: Buffer;
    mzxid: Buffer;
    pzxid: Buffer;
    version: number;
    cversion: number;
    ephemeralOwner: Buffer;
    dataLength: number;
    numChildren: number;
  }

  export interface Event {
    type: number;
    name: string;
    path: string;
  }

  export interface Acl {
    permission: number;
    id: { scheme: string; id: string };
  }

  export interface Server {
    host: string;
    port: number;
  }

  export interface ConnectionManager {
    socket: Socket | undefined;
    zxid: Buffer;
    connectTimeoutHandler: NodeJS.Timeout | null;
    connect(): void;
    findNextServer(callback: (server: Server) => void): void;
    onSocketData(chunk: Buffer): void;
  }

  export interface Options {
    sessionTimeout?: number;
    spinDelay?: number;
    retries?: number;
    sessionId?: Buffer;
    sessionPassword?: Buffer;
  }

  type Done<T extends unknown[]> = (error: Exception | null, ...results: T) => void;
  type OnEvent = (event: Event) => void;

  /** Writes that are done together or not at all. */
  export interface Transaction {
    create(path: string, data: Buffer | undefined, acl: Acl[] | undefined, mode: number): this;
    setData(path: string, data: Buffer, version: number): this;
    check(path: string, version: number): this;
    remove(path: string, version: number): this;
    commit(done: Done<[results: { type: number; err: number; path?: string }[]]>): void;
  }

  export interface Client extends EventEmitter {
    readonly connectionManager: ConnectionManager;
    connect(): void;
    close(): void;
    getState(): { name: string; code: number };
    getSessionId(): Buffer;
    getSessionPassword(): Buffer;
    getSessionTimeout(): number;
    addAuthInfo(scheme: string, auth: Buffer): void;
    create(path: string, data: Buffer | null, acl: Acl[], mode: number, done: Done<[path: string]>): void;
    remove(path: string, version: number, done: Done<[]>): void;
    setData(path: string, data: Buffer, version: number, done: Done<[stat: Stat]>): void;
    getData(path: string, onEvent: OnEvent | undefined, done: Done<[data: Buffer | undefined, stat: Stat]>): void;
    exists(path: string, onEvent: OnEvent | undefined, done: Done<[stat: Stat | null]>): void;
    getChildren(path: string, onEvent: OnEvent | undefined, done: Done<[names: string[], stat: Stat]>): void;
    transaction(): Transaction;
    getACL(path: string, done: Done<[acl: Acl[], stat: Stat]>): void;
    setACL(path: string, acl: Acl[], version: number, done: Done<[stat: Stat]>): void;
  }

  const zookeeper: {
    createClient(connectionString: string, options?: Options): Client;
    ACL: {
      OPEN_ACL_UNSAFE: Acl[];
      CREATOR_ALL_ACL: Acl[];
      READ_ACL_UNSAFE: Acl[];
      fromRecord(record: { perms: number; id: Acl['id'] }): Acl;
      new (permission: number, id: Acl['id']): Acl;
    };
    Id: { ANYONE_ID_UNSAFE: Acl['id']; new (scheme: string, id: string): Acl['id'] };
    Permission: Record<'READ' | 'WRITE' | 'CREATE' | 'DELETE' | 'ADMIN' | 'ALL', number>;
    CreateMode: { PERSISTENT: 0; EPHEMERAL: 1; PERSISTENT_SEQUENTIAL: 2; EPHEMERAL_SEQUENTIAL: 3 };
  };
  export default zookeeper;
}
