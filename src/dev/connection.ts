/** One client's socket: frames, the handshake, then requests in order. */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { digestIdentity } from './acl.ts';
import type { Database, Peer } from './database.ts';
import { JuteError, JuteReader, JuteWriter } from './jute.ts';
import { code, eventType, type Identity, op, readConnectRequest, xid, ZooKeeperError } from './protocol.ts';
import { answer, isKnown } from './requests.ts';
import type { Session } from './sessions.ts';
import type { Event } from './watches.ts';

/** The longest packet a client may send, bytes: ZooKeeper's jute.maxbuffer. */
const maxPacket = 1_048_575;
/** Bytes that wait for a slow reader before its next requests are left unread. */
const maxWaiting = 4 * 1_048_576;
/** How long a connection may take to begin, and to go when it was told to, ms. */
const handshakeTimeout = 10_000;
const closeTimeout = 1_000;

export interface ConnectionContext {
  database: Database;
  clock: Clock;
  log: Log;
  /** The answer to a four-letter word, if it is one. */
  word(word: string): string | undefined;
  counters: { received: number; sent: number };
}

export class Connection implements Peer {
  readonly identities: Identity[];
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  #state: 'new' | 'connected' | 'closing' = 'new';
  #session: Session | undefined;
  #unread: Buffer = Buffer.alloc(0);
  #timer: Timer;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.identities = [{ scheme: 'ip', id: socket.remoteAddress?.replace(/^::ffff:/, '') ?? '' }];
    this.#timer = context.clock.timer(handshakeTimeout, () => this.#fail('it did not begin'));
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
      this.#work();
    });
    socket.on('drain', () => {
      socket.resume();
      this.#work();
    });
    socket.on('error', (error) => context.log.debug({ error: error.message }, 'a connection broke'));
    socket.on('close', () => {
      this.#state = 'closing';
      this.#timer.cancel();
      if (this.#session !== undefined) context.database.disconnect(this, this.#session);
    });
  }

  get sessionId(): bigint {
    return this.#session?.id ?? 0n;
  }

  notify({ type, path }: Event, zxid: bigint): void {
    const syncConnected = 3;
    const body = new JuteWriter().int(eventType[type]).int(syncConnected).string(path).done();
    this.#reply(xid.event, zxid, code.ok, [body]);
  }

  drop(why: string): void {
    this.#context.log.debug({ session: hex(this.sessionId) }, `a connection was closed: ${why}`);
    this.#end();
  }

  /** Ends it as a crash would: nothing more is sent, and the other side sees a reset. */
  reset(): void {
    this.#state = 'closing';
    this.#socket.resetAndDestroy();
  }

  /** Does what was received, in order, while the client reads what it is answered. */
  #work(): void {
    this.#socket.cork();
    try {
      while (this.#state !== 'closing') {
        if (this.#socket.writableLength > maxWaiting) {
          this.#socket.pause();
          return;
        }
        const packet = this.#nextPacket();
        if (packet === undefined) return;
        this.#context.counters.received++;
        if (this.#state === 'new') this.#connect(packet);
        else this.#request(packet);
      }
    } catch (cause) {
      if (!(cause instanceof JuteError)) throw cause;
      this.#fail(`its packet is malformed (${cause.message})`);
    } finally {
      this.#socket.uncork();
    }
  }

  #nextPacket(): JuteReader | undefined {
    if (this.#unread.length < 4) return undefined;
    if (this.#state === 'new' && this.#answerWord()) return undefined;
    const length = this.#unread.readInt32BE(0);
    if (length < 0 || length > maxPacket) throw new JuteError(`a length of ${length}, 0 to ${maxPacket} allowed`);
    if (this.#unread.length < 4 + length) return undefined;
    const packet = this.#unread.subarray(4, 4 + length);
    this.#unread = this.#unread.subarray(4 + length);
    return new JuteReader(packet);
  }

  #answerWord(): boolean {
    const text = this.#context.word(this.#unread.toString('latin1', 0, 4));
    if (text === undefined) return false;
    this.#socket.write(text);
    this.#end();
    return true;
  }

  #connect(packet: JuteReader): void {
    const { database, log } = this.#context;
    const request = readConnectRequest(packet);
    if (request.lastZxidSeen > database.zxid) {
      const facts = { seen: hex(request.lastZxidSeen), last: hex(database.zxid) };
      log.warn(facts, 'a client was refused: it has seen a later transaction than there is here');
      this.#fail('it has seen a later zxid');
      return;
    }
    const session = database.connect(request, this);
    const writer = new JuteWriter().int(0).int(session?.timeout ?? 0);
    writer.long(session?.id ?? 0n).buffer(session?.password ?? Buffer.alloc(16));
    if (request.hasReadOnlyFlag) writer.bool(false);
    this.#send([writer.done()]);
    if (session === undefined) {
      this.drop(`session ${hex(request.sessionId)} is not there`);
      return;
    }
    this.#timer.cancel();
    this.#session = session;
    this.#state = 'connected';
  }

  #request(packet: JuteReader): void {
    const { database, clock } = this.#context;
    const number = packet.int();
    const type = packet.int();
    const session = this.#session!;
    database.sessions.touch(session, clock.now());
    if (type === op.ping) {
      this.#reply(xid.ping, database.zxid, code.ok);
    } else if (type === op.auth) {
      this.#authenticate(number, packet);
    } else if (type === op.closeSession) {
      database.endSession(session);
      this.#reply(number, database.zxid, code.ok);
      this.drop('its session was closed');
    } else if (isKnown(type)) {
      this.#answer(number, type, packet);
    } else {
      this.#reply(number, -1n, code.unimplemented);
      this.drop(`there is no operation ${type}`);
    }
  }

  #answer(number: number, type: number, packet: JuteReader): void {
    const { database } = this.#context;
    try {
      const body = answer(type, packet, database, this);
      this.#reply(number, database.zxid, code.ok, body);
    } catch (cause) {
      const error = cause instanceof JuteError ? new ZooKeeperError('marshallingError', cause.message) : cause;
      if (!(error instanceof ZooKeeperError)) throw error;
      this.#reply(number, database.zxid, error.code);
    }
  }

  #authenticate(number: number, packet: JuteReader): void {
    packet.int(); // a type that is always 0
    const scheme = packet.string();
    const credentials = packet.string();
    if (scheme === 'digest') this.identities.push(digestIdentity(credentials));
    const known = scheme === 'digest' || scheme === 'ip';
    this.#reply(number, 0n, known ? code.ok : code.authFailed);
    if (!known) this.drop(`there is no authentication scheme ${scheme}`);
  }

  #reply(number: number, zxid: bigint, error: number, body: readonly Uint8Array[] = []): void {
    const header = Buffer.allocUnsafe(16);
    header.writeInt32BE(number, 0);
    header.writeBigInt64BE(zxid, 4);
    header.writeInt32BE(error, 12);
    this.#send([header, ...body]);
  }

  #send(pieces: readonly Uint8Array[]): void {
    if (this.#state === 'closing') return;
    this.#context.counters.sent++;
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(pieces.reduce((sum, piece) => sum + piece.length, 0));
    this.#socket.cork();
    this.#socket.write(length);
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
  }

  /** The other side broke the protocol: no answer could help it. */
  #fail(why: string): void {
    this.#context.log.debug({ session: hex(this.sessionId) }, `a connection was closed: ${why}`);
    this.#state = 'closing';
    this.#socket.destroy();
  }

  /** Sends what is left, then closes; input is read and dropped, lest unread bytes turn the close into a reset. */
  #end(): void {
    this.#state = 'closing';
    this.#unread = Buffer.alloc(0);
    this.#socket.end();
    this.#timer.cancel();
    this.#timer = this.#context.clock.timer(closeTimeout, () => this.#socket.destroy());
  }
}

function hex(id: bigint): string {
  return `0x${id.toString(16)}`;
}
