import type { Duplex } from 'node:stream';
import type { Call, Reply } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import { RpcError } from '../../core/error.ts';
import { type Codec, json } from '../../wire/codec.ts';
import { frameHead, frameMinimum, frameType, noLastId, skippable } from '../../wire/frame.ts';
import { decodeHello, type Hello, longestHello } from '../../wire/hello.ts';
import { LengthPrefixedReader } from '../../wire/length-prefixed.ts';
import { type Limits, longestFrame } from '../../wire/limits.ts';
import { encodedValue, readError, readReply, readValue, writeCall } from '../../wire/message.ts';
import { preface } from '../../wire/preface.ts';
import { Channel } from '../channel.ts';
import type { Connection, ConnectionEvents, Load } from '../connection.ts';
import { Heartbeat, type HeartbeatOptions } from '../heartbeat.ts';

/** Ids rise and are never used twice: a connection that has used this many takes no new calls. */
const lastUsableId = 0x7fff_fffe;

interface Waiting {
  call: Call;
  resolve(reply: Reply): void;
  reject(error: RpcError): void;
}

export interface FramedClientOptions {
  clock: Clock;
  limits: Limits;
  heartbeat: HeartbeatOptions;
}

/** The client's end of a framed connection: many calls at once, each answer found by its id. */
export class FramedClient implements Connection {
  hello: Hello | undefined;
  load: Load | undefined;
  state: 'open' | 'draining' | 'closed' = 'open';
  readonly #channel: Channel;
  readonly #reader: LengthPrefixedReader;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #events: ConnectionEvents & { onHello(): void };
  readonly #heartbeat: Heartbeat;
  readonly #codec: Codec = json;
  readonly #waiting = new Map<number, Waiting>();
  /** Calls nobody waits for any more, whose answer is still to come: their ids stay taken, the server still works. */
  readonly #cancelled = new Set<number>();
  #peerLimits: Hello['limits'] = { message: 0, metadata: 0, calls: 0 };
  #lastId = 0;
  #onIdle: (() => void) | undefined;

  constructor(stream: Duplex, options: FramedClientOptions, events: ConnectionEvents & { onHello(): void }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#events = events;
    this.#reader = new LengthPrefixedReader(
      { shortest: frameMinimum, longest: Math.max(longestFrame(options.limits), longestHello) },
      (buffer, start, end) => this.#onFrame(buffer, start, end),
    );
    this.#channel = new Channel(stream, options.clock, {
      onData: (chunk) => this.#onData(chunk),
      onEnd: () => this.#channel.destroy(),
      onClose: (cause) => this.#onClose(cause),
    });
    this.#heartbeat = new Heartbeat(options.clock, options.heartbeat, {
      lastReceived: () => this.#channel.lastReceived,
      ping: () => this.#ping(),
      onDead: (ms) => this.#channel.destroy(lost(`no sign of life for ${Math.round(ms)} ms`)),
    });
    this.#channel.out.bytes(preface);
    this.#channel.flush();
  }

  get inFlight(): number {
    return this.#waiting.size + this.#cancelled.size;
  }

  get heartbeatOverdue(): boolean {
    return this.#heartbeat.overdue;
  }

  send(call: Call): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.state !== 'open') return reject(unsent(`the connection to ${this.#channel.peer} is ${this.state}`));
      const remaining = call.deadline - this.#clock.now();
      const id = this.#lastId + 1;
      try {
        writeCall(this.#channel.out, id, call, this.#codec, Math.max(0, remaining), this.#peerLimits);
      } catch (error) {
        return reject(error);
      }
      this.#lastId = id;
      this.#waiting.set(id, { call, resolve, reject });
      call.onCancel((cause) => this.#cancel(id, cause));
      this.#channel.flush();
      if (id === lastUsableId) this.#drain();
    });
  }

  close(grace: number): Promise<void> {
    if (this.state === 'closed') return Promise.resolve();
    this.#drain();
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel();
        this.#onIdle = undefined;
        resolve(this.#channel.finish());
      };
      const timer = this.#clock.timer(grace, finish, { keepAlive: true });
      if (this.inFlight === 0) finish();
      else this.#onIdle = finish;
    });
  }

  /** Ends at once. */
  destroy(cause: RpcError): void {
    this.#channel.destroy(cause);
  }

  #cancel(id: number, cause: RpcError): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#cancelled.add(id);
    if (!this.#channel.closed) {
      this.#channel.out.begin(frameType.cancel, id);
      this.#channel.out.end();
      this.#channel.flush();
    }
    waiting.reject(cause.with({ stage: 'sent', mayHaveExecuted: true }));
  }

  #ping(): boolean {
    this.#channel.out.begin(frameType.ping, 0);
    this.#channel.out.end();
    this.#channel.flush();
    return true;
  }

  #drain(): void {
    if (this.state !== 'open') return;
    this.state = 'draining';
    this.#events.onDrain();
  }

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#channel.destroy(error as Error);
    }
  }

  /** Throws when the server breaks the protocol: the connection ends, its calls fail, and the client goes on. */
  #onFrame(buffer: Buffer, start: number, end: number): boolean {
    const type = buffer[start]!;
    const id = buffer.readUInt32LE(start + 1);
    const body = start + frameHead - 4;
    if (this.hello === undefined && type !== frameType.hello) throw protocol(`frame type ${type} before HELLO`);
    if (type === frameType.reply) this.#onReply(id, buffer, body, end);
    else if (type === frameType.error && id === 0) throw readError(buffer, body, end, 'sent');
    else if (type === frameType.error) this.#settle(id)?.reject(readError(buffer, body, end, 'answered'));
    else if (type === frameType.refused) this.#settle(id)?.reject(readError(buffer, body, end, 'refused'));
    else if (type === frameType.pong) this.load = readLoad(buffer, body, end);
    else if (type === frameType.drain) this.#onDrain(id);
    else if (type === frameType.hello) this.#onHello(buffer, body, end);
    else if (type < skippable) throw protocol(`frame type ${type} is not known`);
    return !this.#channel.closed;
  }

  #onHello(buffer: Buffer, start: number, end: number): void {
    if (this.hello !== undefined) throw protocol('a second HELLO');
    this.hello = decodeHello(buffer, start, end);
    this.#peerLimits = this.hello.limits;
    this.#events.onHello();
    if (this.hello.state === 'draining') this.#drain();
  }

  #onReply(id: number, buffer: Buffer, start: number, end: number): void {
    const waiting = this.#settle(id);
    if (waiting === undefined) return;
    try {
      const message = readReply(buffer, start, end, this.#limits);
      const output = waiting.call.wantsEncoded ? encodedValue(message) : readValue(message, this.#limits.depth);
      waiting.resolve({ output, metadata: message.metadata });
    } catch (error) {
      const { message, reason } = RpcError.from(error);
      const what = `the answer cannot be read: ${message}`;
      waiting.reject(
        new RpcError('INTERNAL', what, {
          reason: reason === 'TOO_LARGE' ? reason : 'PROTOCOL',
          cause: error,
          mayHaveExecuted: true,
        }),
      );
    }
  }

  /** Whoever waits for this id, who from now on does not. */
  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) this.#waiting.delete(id);
    else if (!this.#cancelled.delete(id)) throw protocol(`an answer to call ${id}, which does not wait for one`);
    if (this.inFlight === 0) this.#onIdle?.();
    return waiting;
  }

  #onDrain(lastId: number): void {
    this.#drain();
    if (lastId === noLastId) return;
    for (const [id, waiting] of this.#waiting) {
      if (id <= lastId) continue;
      this.#waiting.delete(id);
      waiting.reject(new RpcError('UNAVAILABLE', 'the server is going away', { reason: 'DRAINING', stage: 'refused' }));
    }
    for (const id of this.#cancelled) if (id > lastId) this.#cancelled.delete(id);
    if (this.inFlight === 0) this.#onIdle?.();
  }

  #onClose(cause: Error | undefined): void {
    this.state = 'closed';
    this.#heartbeat.stop();
    const error = RpcError.is(cause) ? cause : lost(cause?.message ?? 'the server closed it', cause);
    for (const { reject } of this.#waiting.values()) reject(error.with({ stage: 'sent', mayHaveExecuted: true }));
    this.#waiting.clear();
    this.#cancelled.clear();
    this.#onIdle?.();
    this.#events.onClose(error);
  }
}

function readLoad(buffer: Buffer, start: number, end: number): Load | undefined {
  try {
    const { inFlight, queued } = JSON.parse(buffer.toString('utf8', start, end));
    return { inFlight: Number(inFlight) || 0, queued: Number(queued) || 0 };
  } catch {
    return undefined;
  }
}

function unsent(message: string): RpcError {
  return new RpcError('UNAVAILABLE', message, { reason: 'CONNECTION_LOST', stage: 'unsent' });
}

function lost(message: string, cause?: unknown): RpcError {
  return new RpcError('UNAVAILABLE', `the connection was lost: ${message}`, {
    reason: 'CONNECTION_LOST',
    stage: 'sent',
    cause,
  });
}

function protocol(message: string): RpcError {
  return new RpcError('INTERNAL', `the server broke the protocol: ${message}`, { reason: 'PROTOCOL', stage: 'sent' });
}
