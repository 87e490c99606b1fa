/** ZooKeeper as the registry's links see it, without bytes and sockets: for tests on a virtual clock that choose what fails. */
import type { Clock } from '../../src/core/clock.ts';
import { DialError, ZooKeeperError } from '../../src/registry/zookeeper/error.ts';
import type { Address, Dial, DialOptions, Kind, Link, Stat, Ticket } from '../../src/registry/zookeeper/link.ts';

interface Node {
  data: Buffer;
  stat: Stat;
  children: number;
}

/**
 * What becomes of a request: `ok`; `lost` = done, but the connection ends before the answer; `unsent` = the connection
 * ends before it arrives; `late` = as `lost`, and it is done only when the session writes the next time.
 */
export type Fate = 'ok' | 'lost' | 'unsent' | 'late';

export class FakeZooKeeper {
  readonly nodes = new Map<string, Node>();
  /** All requests that came, e.g. `create /a/rpc-x-`. */
  readonly requests: string[] = [];
  readonly dials: DialOptions[] = [];
  readonly links: FakeLink[] = [];
  /** What becomes of the next attempts to connect. Default `take`. */
  onDial: (options: DialOptions) => 'take' | 'unreachable' | 'mute' = () => 'take';
  onRequest: (request: string) => Fate | { refuse: string } = () => 'ok';
  readonly clock: Clock;
  /** Sessions that are alive. */
  readonly sessions = new Set<bigint>();
  #session = 0x1000n;
  zxid = 1n;
  late: (() => void)[] = [];
  underWay = 0;
  mostUnderWay = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.nodes.set('', {
      data: Buffer.alloc(0),
      stat: { czxid: 0n, pzxid: 0n, ephemeralOwner: 0n, version: 0 },
      children: 0,
    });
  }

  readonly dial: Dial = (options) =>
    new Promise((resolve, reject) => {
      this.dials.push(options);
      const name = `${options.address.host}:${options.address.port}`;
      const fate = this.onDial(options);
      const stop = () => reject(new DialError('unreachable', 'stopped'));
      options.signal.addEventListener('abort', stop, { once: true });
      if (fate === 'unreachable') return reject(new DialError('unreachable', `${name}: refused`));
      if (fate === 'mute') {
        this.clock.timer(options.deadline, () => reject(new DialError('unanswered', `${name}: no answer`)));
        return;
      }
      let session = options.ticket?.id.readBigUInt64BE();
      if (session !== undefined && !this.sessions.has(session))
        return reject(new DialError('expired', `${name}: over`));
      session ??= ++this.#session;
      this.sessions.add(session);
      const timeout = options.ticket?.timeout ?? options.timeout;
      const link = new FakeLink(this, options.address, session, timeout, options.auth !== undefined);
      this.links.push(link);
      resolve(link);
    });

  /** The newest connection. */
  get link(): FakeLink {
    return this.links.at(-1)!;
  }

  /** Names in a folder. */
  names(folder: string): string[] {
    return [...this.nodes.keys()]
      .filter((path) => path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/'))
      .map((path) => path.slice(folder.length + 1))
      .sort();
  }

  /** Makes a node, as someone else would. */
  put(path: string, data: string | Buffer, owner = 0n): void {
    const parent = this.nodes.get(path.slice(0, path.lastIndexOf('/')));
    if (parent === undefined) throw new ZooKeeperError('NO_NODE', path);
    const czxid = ++this.zxid;
    this.nodes.set(path, {
      data: Buffer.from(data),
      stat: { czxid, pzxid: czxid, ephemeralOwner: owner, version: 0 },
      children: 0,
    });
    parent.stat.pzxid = czxid;
    parent.children++;
    this.#fire(path);
  }

  /** Changes a node's data, as someone else would. */
  set(path: string, data: string | Buffer): void {
    const node = this.nodes.get(path);
    if (node === undefined) throw new ZooKeeperError('NO_NODE', path);
    this.zxid++;
    node.data = Buffer.from(data);
    node.stat.version++;
    for (const link of this.links) link.fire(`node ${path}`);
  }

  delete(path: string): void {
    if (!this.nodes.delete(path)) throw new ZooKeeperError('NO_NODE', path);
    const parent = this.nodes.get(path.slice(0, path.lastIndexOf('/')))!;
    parent.stat.pzxid = ++this.zxid;
    this.#fire(path);
  }

  /** Ends a session: its ephemeral nodes go, its connections end. */
  expire(session: bigint): void {
    this.sessions.delete(session);
    for (const [path, node] of this.nodes) if (node.stat.ephemeralOwner === session) this.delete(path);
    for (const link of this.links) if (link.sessionId === session) link.destroy(new Error('closed by the server'));
  }

  /** Does what is late. Nobody hears what becomes of it. */
  doLate(): void {
    for (const work of this.late.splice(0)) {
      try {
        work();
      } catch (error) {
        if (!(error instanceof ZooKeeperError)) throw error;
      }
    }
  }

  #fire(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'));
    for (const link of this.links) {
      link.fire(`node ${path}`);
      link.fire(`children ${parent}`);
    }
  }
}

export class FakeLink implements Link {
  readonly address: Address;
  readonly sessionId: bigint;
  readonly timeout: number;
  /** Tests set it back, to make the server silent. */
  heard: number;
  /** While true every request and ping is answered at once; else no byte comes. */
  answers = true;
  readonly #zookeeper: FakeZooKeeper;
  readonly #secret: boolean;
  readonly #end = new AbortController();
  readonly #watches = new Map<string, Set<() => void>>();
  closed = false;

  constructor(zookeeper: FakeZooKeeper, address: Address, sessionId: bigint, timeout: number, secret: boolean) {
    this.#zookeeper = zookeeper;
    this.#secret = secret;
    this.address = address;
    this.sessionId = sessionId;
    this.timeout = timeout;
    this.heard = zookeeper.clock.now();
    const ping = () => {
      if (this.ended.aborted || !this.answers) return;
      this.heard = zookeeper.clock.now();
      zookeeper.clock.timer(timeout / 3, ping);
    };
    ping();
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  get ticket(): Ticket {
    const id = Buffer.alloc(8);
    id.writeBigUInt64BE(this.sessionId);
    const zxid = Buffer.alloc(8);
    zxid.writeBigUInt64BE(this.#zookeeper.zxid);
    return { id, password: Buffer.alloc(16), timeout: this.timeout, zxid };
  }

  getChildren(path: string, onChange?: () => void) {
    return this.#ask(`getChildren ${path}`, () => {
      const stat = this.#stat(path);
      this.#watch(`children ${path}`, onChange);
      return { names: this.#zookeeper.names(path), stat };
    });
  }

  getData(path: string, onChange?: () => void) {
    return this.#ask(`getData ${path}`, () => {
      const stat = this.#stat(path);
      this.#watch(`node ${path}`, onChange);
      return { data: this.#zookeeper.nodes.get(path)?.data, stat };
    });
  }

  exists(path: string, onChange?: () => void) {
    return this.#ask(`exists ${path}`, () => {
      this.#watch(`node ${path}`, onChange);
      return this.#zookeeper.nodes.get(path)?.stat;
    });
  }

  create(path: string, data: Buffer | undefined, kind: Kind) {
    return this.#ask(`create ${path}`, () => {
      const zookeeper = this.#zookeeper;
      if (kind !== 'ephemeral-sequential') {
        if (zookeeper.nodes.has(path)) throw new ZooKeeperError('NODE_EXISTS', path);
        zookeeper.put(path, data ?? Buffer.alloc(0));
        return path;
      }
      const number = zookeeper.nodes.get(path.slice(0, path.lastIndexOf('/')))?.children ?? 0;
      const made = path + String(number).padStart(10, '0');
      zookeeper.put(made, data ?? Buffer.alloc(0), this.sessionId);
      return made;
    });
  }

  setData(path: string, data: Buffer, version: number): Promise<void> {
    return this.#ask(`setData ${path}`, () => {
      if (this.#stat(path).version !== version) throw new ZooKeeperError('BAD_VERSION', path);
      this.#zookeeper.set(path, data);
    });
  }

  remove(path: string): Promise<void> {
    return this.#ask(`remove ${path}`, () => this.#zookeeper.delete(path));
  }

  /** Whose a node is, `onRequest` says. */
  async checkOwned(path: string, node?: bigint): Promise<void> {
    if (!this.#secret) return;
    await this.#ask(`checkOwned ${path}`, () => {
      const { czxid } = this.#stat(path);
      if (node !== undefined && node !== czxid) throw new ZooKeeperError('NO_NODE', path);
    });
  }

  async closeSession(): Promise<void> {
    this.closed = true;
    this.#zookeeper.expire(this.sessionId);
  }

  destroy(cause: Error): void {
    this.#end.abort(cause);
  }

  fire(watch: string): void {
    const waiting = this.#watches.get(watch);
    this.#watches.delete(watch);
    if (!this.ended.aborted) for (const onChange of waiting ?? []) queueMicrotask(onChange);
  }

  #watch(watch: string, onChange: (() => void) | undefined): void {
    if (onChange === undefined) return;
    const waiting = this.#watches.get(watch) ?? new Set();
    this.#watches.set(watch, waiting.add(onChange));
  }

  #stat(path: string): Stat {
    const node = this.#zookeeper.nodes.get(path);
    if (node === undefined) throw new ZooKeeperError('NO_NODE', path);
    return { ...node.stat };
  }

  async #ask<T>(request: string, work: () => T): Promise<T> {
    const zookeeper = this.#zookeeper;
    const lose = (): never => {
      this.destroy(new Error('lost'));
      throw new ZooKeeperError('LOST', request);
    };
    zookeeper.underWay++;
    zookeeper.mostUnderWay = Math.max(zookeeper.mostUnderWay, zookeeper.underWay);
    await Promise.resolve();
    zookeeper.underWay--;
    if (this.ended.aborted) return lose();
    zookeeper.requests.push(request);
    const fate = zookeeper.onRequest(request);
    if (typeof fate === 'object') throw new ZooKeeperError(fate.refuse, `${request}: ${fate.refuse}`);
    if (fate === 'unsent') return lose();
    if (/^(create|remove|setData)/.test(request)) zookeeper.doLate();
    if (fate === 'late') zookeeper.late.push(work);
    const result = fate === 'late' ? lose() : work();
    return fate === 'lost' ? lose() : result;
  }
}
