import type { Duplex } from 'node:stream';
import type { Call, Reply } from '../../core/call.ts';
import type { Clock } from '../../core/clock.ts';
import { RpcError } from '../../core/error.ts';
import type { ReportedLoad } from '../../core/load.ts';
import { json } from '../../wire/codec.ts';
import { frameHead, frameMinimum, frameType, highestId, noLastId, skippable } from '../../wire/frame.ts';
import { decodeHello, type Hello, longestHello } from '../../wire/hello.ts';
import { LengthPrefixedReader } from '../../wire/length-prefixed.ts';
import { type Limits, longestFrame } from '../../wire/limits.ts';
import {
  type EncodedMessage,
  encodedValue,
  encodeMessage,
  readError,
  readReply,
  readValue,
  writeCall,
} from '../../wire/message.ts';
import { preface } from '../../wire/preface.ts';
import { CallTable } from '../call-table.ts';
import { Channel } from '../channel.ts';
import { Closing } from '../closing.ts';
import type { Connection, ConnectionEvents, ConnectionOptions } from '../connection.ts';
import { Heartbeat } from '../heartbeat.ts';
import { brokenProtocol, lost, notOpen, whyLost } from '../lost.ts';
import { readLoad, unreadable } from './received.ts';

interface Waiting {
  call: Call;
  resolve(reply: Reply): void;
  reject(error: RpcError): void;
}

export interface FramedClientOptions extends ConnectionOptions {
  /** The id after which the first call's comes. Default 0. */
  idsAfter?: number;
}

/** The client's end of a framed connection: many calls at once, each answer found by its id. */
export class FramedClient implements Connection {
  hello: Hello | undefined;
  load: ReportedLoad | undefined;
  state: 'open' | 'draining' | 'closed' = 'open';
  readonly #channel: Channel;
  readonly #reader: LengthPrefixedReader;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #events: ConnectionEvents & { onHello(): void };
  readonly #heartbeat: Heartbeat;
  readonly #closing: Closing;
  readonly #waiting = new CallTable<Waiting>();
  /** Calls nobody waits for any more, whose answer is still to come: their ids stay taken, the server still works. */
  readonly #cancelled = new Set<number>();
  /** PINGs whose PONG has not come yet. */
  #pings = 0;
  #peerLimits: Hello['limits'] = { message: 0, metadata: 0, calls: 0 };
  #lastId: number;
  /** The last call that the server serves, as it said when it went away. */
  #lastServed = noLastId;

  constructor(stream: Duplex, options: FramedClientOptions, events: ConnectionEvents & { onHello(): void }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#lastId = options.idsAfter ?? 0;
    this.#events = events;
    this.#closing = new Closing(options.clock, this);
    this.#reader = new LengthPrefixedReader(
      { shortest: frameMinimum, longest: Math.max(longestFrame(options.limits), longestHello) },
      (buffer, start, end) => this.#onFrame(buffer, start, end),
    );
    const channel = new Channel(stream, options.clock, 'client', {
      onData: (chunk) => this.#onData(chunk),
      onReady() {},
      onEnd: () => this.destroy(),
      onClose: (cause) => this.#onClose(cause),
    });
    this.#channel = channel;
    this.#heartbeat = new Heartbeat(options.clock, options.random, options.heartbeat, {
      look: (now) => channel.look(now),
      lastSign: () => channel.lastSign,
      ping: () => this.#ping(),
      askLoad: () => this.#askLoad(),
      onDead: (ms) => this.destroy(lost(`no sign of life for ${Math.round(ms)} ms`)),
    });
    channel.out.bytes(preface);
    channel.flush();
  }

  get inFlight(): number {
    return this.#waiting.size + this.#cancelled.size;
  }

  get heartbeatOverdue(): boolean {
    return this.#heartbeat.overdue;
  }

  send(call: Call, now = this.#clock.now()): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let message: EncodedMessage;
      try {
        // First of all: it runs code of the caller's, which may make a call here, cancel this one or close the connection.
        message = encodeMessage(call.input, json);
      } catch (error) {
        return reject(error);
      }
      if (this.state !== 'open') return reject(notOpen(this.#channel.peer, this.state));
      if (call.cancelled !== undefined) return reject(call.cancelled.with({ stage: 'unsent', mayHaveExecuted: false }));
      const remaining = Math.max(0, call.deadline - now);
      const id = this.#lastId + 1;
      try {
        writeCall(this.#channel.out, id, call, message, remaining, this.#peerLimits);
      } catch (error) {
        return reject(error);
      }
      this.#lastId = id;
      this.#waiting.set(id, { call, resolve, reject });
      call.onCancel((cause) => this.#cancel(id, cause));
      this.#channel.flush();
      if (id === highestId) this.#drain();
    });
  }

  close(grace: number): Promise<void> {
    if (this.state === 'closed') return Promise.resolve();
    this.#drain();
    return this.#closing.begin(grace);
  }

  /** Says that there is no more. Nothing may be in flight. */
  end(): void {
    this.#channel.end();
  }

  /** Ends at once. */
  destroy(cause?: RpcError): void {
    // Whatever is sent from here on would never leave.
    this.state = 'closed';
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
    this.#pings++;
    return true;
  }

  /** One question at a time: a server that is late with its answer has enough to do. */
  #askLoad(): boolean {
    return this.state === 'open' && this.hello !== undefined && this.#pings === 0 && this.#ping();
  }

  #onPong(buffer: Buffer, start: number, end: number): void {
    this.#pings = Math.max(0, this.#pings - 1);
    this.load = readLoad(buffer, start, end, this.#channel.lastReceived);
  }

  #drain(): void {
    if (this.state !== 'open') return;
    this.state = 'draining';
    this.#events.onDrain();
  }

  /** Whatever is wrong with what the server sends ends the connection, its calls fail, and the client goes on. */
  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      const { reason, message } = error as RpcError;
      // A length over the limit is the one rule that the reader itself finds broken in other words.
      this.destroy(reason === 'TOO_LARGE' ? brokenProtocol(message, error) : (error as RpcError));
    }
  }

  #onFrame(buffer: Buffer, start: number, end: number): boolean {
    const type = buffer[start]!;
    const id = buffer.readUInt32LE(start + 1);
    const body = start + frameHead - 4;
    if (this.hello === undefined) this.#onFirstFrame(type, id, buffer, body, end);
    else if (type === frameType.reply) this.#onReply(id, buffer, body, end);
    else if (type === frameType.error) this.#onError(id, buffer, body, end);
    else if (type === frameType.refused) this.#settle(id)?.reject(readError(buffer, body, end, 'refused'));
    else if (type === frameType.pong) this.#onPong(buffer, body, end);
    else if (type === frameType.drain) this.#onDrain(id);
    else if (type < skippable) throw brokenProtocol(`frame type ${type} is not one that a server sends now`);
    return this.#channel.ready;
  }

  #onFirstFrame(type: number, id: number, buffer: Buffer, start: number, end: number): void {
    if (type >= skippable) return;
    if (type === frameType.error && id === 0) return this.#onError(id, buffer, start, end);
    if (type !== frameType.hello) throw brokenProtocol(`frame type ${type} before HELLO`);
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
      waiting.resolve({ output, metadata: message.metadata, at: this.#channel.lastReceived });
    } catch (error) {
      waiting.reject(unreadable(RpcError.from(error)));
    }
  }

  /** Of a call, or (id 0) of the whole connection, which the server then ends. */
  #onError(id: number, buffer: Buffer, start: number, end: number): void {
    if (id !== 0) {
      this.#settle(id)?.reject(readError(buffer, start, end, 'answered'));
      return;
    }
    const error = readError(buffer, start, end, 'sent');
    throw lost(`the server ended it: ${error.label}: ${error.message}`, error);
  }

  /** Whoever waits for this id, who from now on does not. */
  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) this.#waiting.delete(id);
    else if (!this.#cancelled.delete(id)) {
      // It was given up when the server said that it would not serve it. The server says so for each call that comes.
      if (id > this.#lastServed && id <= this.#lastId) return undefined;
      throw brokenProtocol(`an answer to call ${id}, which does not wait for one`);
    }
    this.#closing.onAnswer();
    return waiting;
  }

  #onDrain(lastId: number): void {
    this.#drain();
    if (lastId >= this.#lastServed) return;
    this.#lastServed = lastId;
    for (const [id, waiting] of this.#waiting) {
      if (id <= lastId) continue;
      this.#waiting.delete(id);
      waiting.reject(new RpcError('UNAVAILABLE', 'the server is going away', { reason: 'DRAINING', stage: 'refused' }));
    }
    for (const id of this.#cancelled) if (id > lastId) this.#cancelled.delete(id);
    this.#closing.onAnswer();
  }

  #onClose(cause: Error | undefined): void {
    this.state = 'closed';
    this.#heartbeat.stop();
    const error = whyLost(cause);
    for (const [, { reject }] of this.#waiting) reject(error.with({ stage: 'sent', mayHaveExecuted: true }));
    this.#waiting.clear();
    this.#cancelled.clear();
    this.#closing.onGone();
    this.#events.onClose(error);
  }
}
