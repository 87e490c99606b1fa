/** One live connection of one session, as the rest of this folder sees it. `driver.ts` makes them; tests make others. */

export interface Address {
  host: string;
  port: number;
}

/** What takes a session from one connection to the next. The password is a secret. */
export interface Ticket {
  /** 8 bytes. */
  id: Buffer;
  password: Buffer;
  /** As negotiated, ms. */
  timeout: number;
  /** The newest transaction seen, 8 bytes: a server that is behind it refuses us, so that we never read backwards. */
  zxid: Buffer;
}

/**
 * What is made with a secret belongs to who has it, but in a `shared` folder everybody may add folders of their own. What is made
 * without one is everybody's, and its rights nobody's to change.
 */
export type Kind = 'persistent' | 'shared' | 'ephemeral-sequential';

export interface Stat {
  /** Transaction that made the node. */
  czxid: bigint;
  /** Transaction of the last child added or removed. */
  pzxid: bigint;
  /** Session that it dies with, 0 if it is persistent. */
  ephemeralOwner: bigint;
  /** How often the node's data was changed since it was made. */
  version: number;
}

/**
 * Every request has a deadline and rejects with a ZooKeeperError. An `onChange` is called at most once per request that
 * it was given to; giving the same function again does not add it twice.
 */
export interface Link {
  readonly address: Address;
  readonly sessionId: bigint;
  /** As negotiated, ms. */
  readonly timeout: number;
  /** Aborted when the connection is over; the reason is an Error. */
  readonly ended: AbortSignal;
  /** When the last byte came in, on the clock. */
  readonly heard: number;
  readonly ticket: Ticket;
  getChildren(path: string, onChange?: () => void): Promise<{ names: string[]; stat: Stat }>;
  getData(path: string, onChange?: () => void): Promise<{ data: Buffer | undefined; stat: Stat }>;
  exists(path: string, onChange?: () => void): Promise<Stat | undefined>;
  /** Gives the path made, which for `sequential` ends in the server's number. */
  create(path: string, data: Buffer | undefined, kind: Kind): Promise<string>;
  /** Refused as `BAD_VERSION` if the node's data is of another version. */
  setData(path: string, data: Buffer, version: number): Promise<void>;
  remove(path: string): Promise<void>;
  /**
   * Resolves if the node belongs to the secret alone, save that others may read it; without a secret always. Rejects as
   * `NOT_OURS` if it does not, as `NO_AUTH` if we may not even know, and as `NO_NODE` if there is none.
   *
   * @param node the `czxid` of the node that is meant; another one of that name is none
   */
  checkOwned(path: string, node?: bigint): Promise<void>;
  /** Ends the session: its ephemeral nodes go at once. Waits at most `timeout` ms for the server's word. Never rejects. */
  closeSession(timeout: number): Promise<void>;
  /** Ends the connection only; the session may go on. */
  destroy(cause: Error): void;
}

export interface DialOptions {
  address: Address;
  /** The session timeout to ask for, ms. */
  timeout: number;
  /** How long the TCP connection and the server's answer may take together, ms. */
  deadline: number;
  /** The session to go on with. Without: a new one. */
  ticket: Ticket | undefined;
  auth: { scheme: string; secret: string } | undefined;
  /** Ends the attempt. */
  signal: AbortSignal;
}

/** Rejects with a DialError. */
export type Dial = (options: DialOptions) => Promise<Link>;
