/**
 * A bare client of ZooKeeper's protocol, for what a real client hides: whose passwords, numbers and bytes are chosen by
 * the test, and which notes the order in which events and replies arrive.
 */
import { connect, type Socket } from 'node:net';
import { systemClock } from '../../src/core/clock.ts';
import { JuteReader, JuteWriter } from '../../src/dev/jute.ts';
import { op, type Stat, writeAcl } from '../../src/dev/protocol.ts';

const deadline = 30_000;

export interface Reply {
  xid: number;
  zxid: bigint;
  error: number;
  body: JuteReader;
}

export interface Handshake {
  timeout?: number;
  sessionId?: bigint;
  password?: Uint8Array;
  lastZxidSeen?: bigint;
  /** Clients before 3.4 do not send it. Default true. */
  readOnlyFlag?: boolean;
}

export const open = [{ permissions: 31, identity: { scheme: 'world', id: 'anyone' } }];

type Encode = (writer: JuteWriter) => unknown;

export class RawClient {
  readonly socket: Socket;
  /** What arrived, in order: `created /a`, `reply 3`. */
  readonly arrivals: string[] = [];
  readonly eventZxids: bigint[] = [];
  readonly closed: Promise<void>;
  /** From the server's answer. A timeout of 0 says that the session is not there. */
  timeout = 0;
  sessionId = 0n;
  password: Buffer = Buffer.alloc(0);
  answeredReadOnlyFlag = false;
  #unread = Buffer.alloc(0);
  #xid = 0;
  #greeted = false;
  readonly #waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
  #onArrival: () => void = () => {};

  private constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('error', () => {});
    this.socket.on('data', (bytes: Buffer) => this.#read(bytes));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error('the connection was closed'));
        this.#onArrival();
        resolve();
      });
    });
  }

  /** A socket on which nothing was sent. */
  static bare(port: number): RawClient {
    return new RawClient(port);
  }

  /** Sends the first packet and waits for its answer; rejects if the server closes instead. */
  static async connect(port: number, handshake: Handshake = {}): Promise<RawClient> {
    const client = new RawClient(port);
    client.socket.write(connectPacket(handshake));
    await client.arrival(() => client.#greeted);
    return client;
  }

  /** Waits until `condition` holds, looking again whenever something arrives. */
  async arrival(condition: () => boolean): Promise<void> {
    const late = new AbortController();
    const timer = systemClock.timer(deadline, () => late.abort());
    try {
      while (!condition()) {
        if (late.signal.aborted) throw new Error(`not within ${deadline} ms; arrived: ${this.arrivals.join(', ')}`);
        if (this.socket.destroyed) throw new Error('the connection was closed');
        await new Promise<void>((resolve) => {
          this.#onArrival = resolve;
          late.signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    } finally {
      timer.cancel();
    }
  }

  /** Sends a request and waits for its reply, whatever it says. */
  async request(type: number, encode: Encode = () => {}, xid = ++this.#xid): Promise<Reply> {
    const writer = new JuteWriter().int(xid).int(type);
    encode(writer);
    return this.send(frame(writer.done()));
  }

  /** Sends bytes and waits for the next reply. */
  send(bytes: Uint8Array): Promise<Reply> {
    if (this.socket.destroyed) return Promise.reject(new Error('the connection was closed'));
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.socket.write(bytes);
    return withDeadline(reply);
  }

  async create(path: string, options: { data?: Uint8Array | null; flags?: number; acl?: typeof open } = {}) {
    const { data = Buffer.alloc(0), flags = 0, acl = open } = options;
    const reply = await this.request(op.create, (w) => createRecord(w, path, data, acl, flags));
    return { ...reply, path: reply.error === 0 ? reply.body.string() : undefined };
  }

  delete(path: string, version = -1): Promise<Reply> {
    return this.request(op.delete, (w) => w.string(path).int(version));
  }

  async setData(path: string, data: Uint8Array | null, version = -1) {
    return withStat(await this.request(op.setData, (w) => w.string(path).buffer(data).int(version)));
  }

  async exists(path: string, watch = false) {
    return withStat(await this.request(op.exists, (w) => w.string(path).bool(watch)));
  }

  async getData(path: string, watch = false) {
    const reply = await this.request(op.getData, (w) => w.string(path).bool(watch));
    const data = reply.error === 0 ? reply.body.buffer() : undefined;
    return { ...withStat(reply), data };
  }

  async getChildren(path: string, watch = false) {
    const reply = await this.request(op.getChildren2, (w) => w.string(path).bool(watch));
    const children = reply.error === 0 ? reply.body.vector((r) => r.string()).sort() : undefined;
    return { ...withStat(reply), children };
  }

  async getAcl(path: string) {
    const reply = await this.request(op.getAcl, (w) => w.string(path));
    const acl =
      reply.error === 0 ? reply.body.vector((r) => `${r.int()} ${r.string()}:${r.string()}`).sort() : undefined;
    return { ...withStat(reply), acl };
  }

  async setAcl(path: string, acl: typeof open, version = -1) {
    return withStat(await this.request(op.setAcl, (w) => writeAcl(w.string(path), acl) ?? w.int(version)));
  }

  ping(): Promise<Reply> {
    return this.request(op.ping, () => {}, -2);
  }

  auth(scheme: string, credentials: string): Promise<Reply> {
    return this.request(op.auth, (w) => w.int(0).string(scheme).buffer(Buffer.from(credentials)), -4);
  }

  setWatches(zxid: bigint, paths: { data?: string[]; exist?: string[]; child?: string[] }): Promise<Reply> {
    return this.request(
      op.setWatches,
      (w) => {
        w.long(zxid);
        for (const list of [paths.data, paths.exist, paths.child]) w.vector(list ?? [], (path) => w.string(path));
      },
      -8,
    );
  }

  /** Parts of `part.*`. Results: what each part was answered with. */
  async multi(parts: { type: number; encode: Encode }[]) {
    const reply = await this.request(op.multi, (w) => {
      for (const { type, encode } of parts) {
        w.int(type).bool(false).int(-1);
        encode(w);
      }
      w.int(-1).bool(true).int(-1);
    });
    return { ...reply, results: reply.error === 0 ? readMulti(reply.body) : undefined };
  }

  closeSession(): Promise<Reply> {
    return this.request(op.closeSession);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    while (this.#unread.length >= 4) {
      const length = this.#unread.readInt32BE(0);
      if (this.#unread.length < 4 + length) return;
      const packet = new JuteReader(this.#unread.subarray(4, 4 + length));
      this.#unread = this.#unread.subarray(4 + length);
      if (this.#greeted) this.#packet(packet);
      else this.#greet(packet);
      this.#onArrival();
    }
  }

  #greet(packet: JuteReader): void {
    packet.int();
    this.timeout = packet.int();
    this.sessionId = packet.long();
    this.password = packet.buffer() ?? Buffer.alloc(0);
    this.answeredReadOnlyFlag = packet.left > 0;
    this.#greeted = true;
  }

  #packet(packet: JuteReader): void {
    const reply = { xid: packet.int(), zxid: packet.long(), error: packet.int(), body: packet };
    if (reply.xid !== -1) {
      this.arrivals.push(`reply ${reply.xid}`);
      this.#waiting.shift()?.resolve(reply);
      return;
    }
    const type = ['', 'created', 'deleted', 'dataChanged', 'childrenChanged'][packet.int()];
    packet.int();
    this.arrivals.push(`${type} ${packet.string()}`);
    this.eventZxids.push(reply.zxid);
  }
}

/** Parts of a multi. */
export const part = {
  create: (path: string, flags = 0) => ({
    type: op.create,
    encode: (w: JuteWriter) => createRecord(w, path, Buffer.alloc(0), open, flags),
  }),
  create2: (path: string) => ({
    type: op.create2,
    encode: (w: JuteWriter) => createRecord(w, path, Buffer.alloc(0), open, 0),
  }),
  delete: (path: string, version = -1) => ({
    type: op.delete,
    encode: (w: JuteWriter) => w.string(path).int(version),
  }),
  setData: (path: string, data: string, version = -1) => ({
    type: op.setData,
    encode: (w: JuteWriter) => w.string(path).buffer(Buffer.from(data)).int(version),
  }),
  check: (path: string, version: number) => ({
    type: op.check,
    encode: (w: JuteWriter) => w.string(path).int(version),
  }),
};

export function connectPacket(handshake: Handshake = {}): Buffer {
  const { timeout = 10_000, sessionId = 0n, password = Buffer.alloc(16), lastZxidSeen = 0n } = handshake;
  const writer = new JuteWriter().int(0).long(lastZxidSeen).int(timeout).long(sessionId).buffer(password);
  if (handshake.readOnlyFlag !== false) writer.bool(false);
  return frame(writer.done());
}

export function frame(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

export function createRecord(
  writer: JuteWriter,
  path: string,
  data: Uint8Array | null,
  acl: typeof open,
  flags: number,
): void {
  writer.string(path).buffer(data);
  writeAcl(writer, acl);
  writer.int(flags);
}

export function readStat(r: JuteReader): Stat {
  const times = { czxid: r.long(), mzxid: r.long(), ctime: Number(r.long()), mtime: Number(r.long()) };
  const versions = { version: r.int(), cversion: r.int(), aversion: r.int() };
  const rest = { ephemeralOwner: r.long(), dataLength: r.int(), numChildren: r.int(), pzxid: r.long() };
  return { ...times, ...versions, ...rest };
}

function withStat(reply: Reply): Reply & { stat: Stat | undefined } {
  return { ...reply, stat: reply.error === 0 ? readStat(reply.body) : undefined };
}

function readMulti(reader: JuteReader) {
  const results: { type: number; error: number; path?: string; stat?: Stat }[] = [];
  for (;;) {
    const header = { type: reader.int(), done: reader.bool(), error: reader.int() };
    if (header.done) return results;
    const result = { type: header.type, error: header.error };
    if (header.type === op.create) results.push({ ...result, path: reader.string() });
    else if (header.type === op.create2) results.push({ ...result, path: reader.string(), stat: readStat(reader) });
    else if (header.type === op.setData) results.push({ ...result, stat: readStat(reader) });
    else if (header.type === op.error) results.push({ ...result, error: reader.int() });
    else results.push(result);
  }
}

async function withDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: { cancel(): void } | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = systemClock.timer(deadline, () => reject(new Error(`no answer within ${deadline} ms`)));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer?.cancel();
  }
}
