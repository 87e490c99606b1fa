/**
 * Links on node-zookeeper-client 1.1.3, which we do not trust with more than one connection.
 *
 * Left alone it reconnects by itself, and that is where it fails: half a frame of the old connection is taken for the
 * head of the next one (a false EXPIRED, and it never comes back), a server that accepts and does not answer holds it
 * for ever, a server that falls silent is never noticed, requests wait without end, and auth goes out behind requests
 * that were queued before. So each connection gets a client object of its own, which carries the session on by its id and
 * password and is thrown away whole with all its buffers, queues and watches; deadlines and reconnects are ours.
 *
 * For that we reach into `client.connectionManager` in these places, and only here:
 * - `findNextServer`: we say which address (ours are resolved freshly; its own parser knows no IPv6);
 * - `connect`: made idle after the first, so that it never reconnects;
 * - `onSocketData`: to know when bytes came, to hand it whole frames of a bounded size (it joins pieces anew with each
 *   one that comes), and to catch what it throws at frames that it does not know;
 * - `socket`, `connectTimeoutHandler`: to end the connection and its timer for good;
 * - `zxid`: the newest transaction seen goes along with the session.
 *
 * And once for all, `ACL.fromRecord`: it throws at rights that ZooKeeper takes, such as none at all.
 */
import zookeeper, { type Acl, type Client, type Exception, type Stat as VendorStat } from 'node-zookeeper-client';
import type { Clock, Timer } from '../../core/clock.ts';
import { address as addressText } from '../../core/endpoint.ts';
import { DialError, ZooKeeperError } from './error.ts';
import { Frames } from './frames.ts';
import type { Address, Dial, DialOptions, Kind, Link, Stat, Ticket } from './link.ts';
import { parentOf } from './names.ts';
import { otherOwner, rightsOf } from './rights.ts';

/** More than any answer has: ten thousand children are half a megabyte. Bytes. */
const maxFrame = 16 * 1024 * 1024;

/** How long a session's connection may be silent, and a request unanswered: as the Java client does. */
export const readTimeoutShare = 2 / 3;

zookeeper.ACL.fromRecord = ({ perms, id }) => ({ permission: perms, id });

export function driver(clock: Clock): Dial {
  return (options) =>
    new Promise<Link>((resolve, reject) => {
      new VendorLink(clock, options, resolve, reject);
    });
}

class VendorLink implements Link {
  readonly address: Address;
  readonly #clock: Clock;
  readonly #client: Client;
  readonly #auth: DialOptions['auth'];
  readonly #end = new AbortController();
  /** Ends requests that wait for an answer. */
  readonly #waiting = new Set<(cause: Error) => void>();
  #timer: Timer;
  #reject: ((error: DialError) => void) | undefined;
  #heard: number;
  #tcp = false;

  constructor(clock: Clock, options: DialOptions, resolve: (link: Link) => void, reject: (error: DialError) => void) {
    const { address, ticket, auth, deadline, signal } = options;
    this.address = address;
    this.#clock = clock;
    this.#heard = clock.now();
    this.#reject = reject;
    this.#auth = auth;
    this.#client = zookeeper.createClient('its-own-parser-is-not-used', {
      sessionTimeout: ticket?.timeout ?? options.timeout,
      retries: 0,
      ...(ticket === undefined ? {} : { sessionId: ticket.id, sessionPassword: ticket.password }),
    });
    const client = this.#client;
    const manager = client.connectionManager;
    if (ticket !== undefined) manager.zxid = ticket.zxid;
    // Before `connect`, so that it is the first packet on the connection: requests come only after `connected`.
    if (auth !== undefined) client.addAuthInfo(auth.scheme, Buffer.from(auth.secret));

    manager.findNextServer = (connectTo) => connectTo(address);
    const frames = new Frames(maxFrame);
    const { onSocketData } = manager;
    manager.onSocketData = (chunk) => {
      this.#heard = clock.now();
      try {
        for (const frame of frames.take(chunk)) {
          if (this.ended.aborted) return;
          onSocketData.call(manager, frame);
        }
      } catch (cause) {
        this.destroy(new Error('the server sent what the driver cannot read', { cause }));
      }
    };
    client.once('connected', () => {
      this.#timer.cancel();
      signal.removeEventListener('abort', onAbort);
      this.#reject = undefined;
      resolve(this);
    });
    client.once('expired', () => this.#fail('expired', new Error('the session expired')));
    client.once('authenticationFailed', () => this.destroy(new Error('the server refused the credentials')));

    this.#timer = clock.timer(deadline, () =>
      this.destroy(new Error(`${this.#tcp ? 'no answer to the greeting' : 'no connection'} within ${deadline} ms`)),
    );
    const onAbort = () => this.destroy(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.ended.addEventListener('abort', () => signal.removeEventListener('abort', onAbort), { once: true });
    client.connect();
    manager.connect = () => {};
    manager.socket!.once('connect', () => {
      this.#tcp = true;
    });
    manager.socket!.on('error', (cause) => this.destroy(cause));
    manager.socket!.once('close', () => this.destroy(new Error('the server closed the connection')));
    if (signal.aborted) onAbort();
  }

  get sessionId(): bigint {
    return this.#client.getSessionId().readBigUInt64BE();
  }

  get timeout(): number {
    return this.#client.getSessionTimeout();
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  get heard(): number {
    return this.#heard;
  }

  get ticket(): Ticket {
    const client = this.#client;
    return {
      id: client.getSessionId(),
      password: client.getSessionPassword(),
      timeout: client.getSessionTimeout(),
      zxid: Buffer.from(client.connectionManager.zxid),
    };
  }

  getChildren(path: string, onChange?: () => void): Promise<{ names: string[]; stat: Stat }> {
    return this.#ask('getChildren', path, (resolve, done) =>
      this.#client.getChildren(path, onChange, (error, names, stat) =>
        done(error, () => resolve({ names, stat: readStat(stat) })),
      ),
    );
  }

  getData(path: string, onChange?: () => void): Promise<{ data: Buffer | undefined; stat: Stat }> {
    return this.#ask('getData', path, (resolve, done) =>
      this.#client.getData(path, onChange, (error, data, stat) =>
        done(error, () => resolve({ data, stat: readStat(stat) })),
      ),
    );
  }

  exists(path: string, onChange?: () => void): Promise<Stat | undefined> {
    return this.#ask('exists', path, (resolve, done) =>
      this.#client.exists(path, onChange, (error, stat) =>
        done(error, () => resolve(stat === null ? undefined : readStat(stat))),
      ),
    );
  }

  create(path: string, data: Buffer | undefined, kind: Kind): Promise<string> {
    const { PERSISTENT, EPHEMERAL_SEQUENTIAL } = zookeeper.CreateMode;
    const mode = kind === 'ephemeral-sequential' ? EPHEMERAL_SEQUENTIAL : PERSISTENT;
    const acl = rightsOf(kind, this.#auth);
    return this.#ask('create', path, (resolve, done) =>
      this.#client.create(path, data ?? Buffer.alloc(0), acl, mode, (error, made) => done(error, () => resolve(made))),
    );
  }

  setData(path: string, data: Buffer, version: number): Promise<void> {
    return this.#ask('setData', path, (resolve, done) =>
      this.#client.setData(path, data, version, (error) => done(error, resolve)),
    );
  }

  remove(path: string): Promise<void> {
    return this.#ask('remove', path, (resolve, done) => this.#client.remove(path, -1, (error) => done(error, resolve)));
  }

  async checkOwned(path: string, node?: bigint): Promise<void> {
    if (this.#auth === undefined) return;
    const { acl, made } = await this.#ask<{ acl: Acl[]; made: bigint }>('getACL', path, (resolve, done) =>
      this.#client.getACL(path, (error, acl, stat) => done(error, () => resolve({ acl, made: readStat(stat).czxid }))),
    );
    if (node !== undefined && made !== node) throw new ZooKeeperError('NO_NODE', `${path} was made anew meanwhile`);
    const owner = otherOwner(acl, this.#auth);
    if (owner === undefined) return;
    const sentence = `${path} belongs to ${owner}, not to this secret alone: take another folder, or remove what is there first`;
    throw new ZooKeeperError('NOT_OURS', sentence);
  }

  async closeSession(timeout: number): Promise<void> {
    if (this.ended.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.timer(timeout, resolve, { keepAlive: true });
      this.ended.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
      this.#client.close();
    });
    this.destroy(new Error('the session is closed'));
  }

  destroy(cause: Error): void {
    this.#fail(this.#tcp ? 'unanswered' : 'unreachable', cause);
  }

  #fail(stage: DialError['stage'], cause: Error): void {
    if (this.#end.signal.aborted) return;
    this.#timer.cancel();
    const manager = this.#client.connectionManager;
    clearTimeout(manager.connectTimeoutHandler ?? undefined);
    manager.socket?.destroy();
    this.#end.abort(cause);
    for (const end of this.#waiting) end(cause);
    this.#reject?.(new DialError(stage, `${addressText(this.address)}: ${cause.message}`, { cause }));
  }

  #ask<T>(
    what: string,
    path: string,
    send: (resolve: (value: T) => void, done: (error: Exception | null | undefined, onOk: () => void) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const lose = (cause: Error) => {
        settle();
        reject(new ZooKeeperError('LOST', `${what} ${path}: ${cause.message}`, { cause }));
      };
      const settle = () => {
        timer.cancel();
        this.#waiting.delete(lose);
      };
      const deadline = this.timeout * readTimeoutShare;
      // ZooKeeper answers in order: when one answer does not come, none behind it will.
      const timer = this.#clock.timer(deadline, () =>
        this.destroy(new Error(`no answer to ${what} within ${Math.round(deadline)} ms`)),
      );
      this.#waiting.add(lose);
      if (this.ended.aborted) return lose(this.ended.reason);
      send(resolve, (error, onOk) => {
        settle();
        if (!error) onOk();
        else if (error.name === 'CONNECTION_LOSS') lose(error);
        else reject(this.#refusal(error, what, path));
        // The server sends this to whoever still talks on a session that is over.
        if (error?.name === 'SESSION_EXPIRED') this.destroy(error);
      });
    });
  }

  #refusal(error: Exception, what: string, path: string): ZooKeeperError {
    let message = `${what} ${path}: ${error.name}`;
    if (error.name === 'NO_AUTH') {
      // Who may add to a folder or take away from it, the folder says.
      const asked = what === 'create' || what === 'remove' ? parentOf(path) || '/' : path;
      message += `: ${asked} belongs to ${this.#auth === undefined ? 'a secret, and none is given' : 'another secret'}`;
    }
    return new ZooKeeperError(error.name, message, { cause: error });
  }
}

function readStat(stat: VendorStat): Stat {
  return {
    czxid: stat.czxid.readBigUInt64BE(),
    pzxid: stat.pzxid.readBigUInt64BE(),
    ephemeralOwner: stat.ephemeralOwner.readBigUInt64BE(),
    version: stat.version,
  };
}
