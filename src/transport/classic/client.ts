import type { Duplex } from 'node:stream';
import { type Call, Encoded, type Reply } from '../../core/call.ts';
import type { RpcError } from '../../core/error.ts';
import {
  answerName,
  type ClassicAnswer,
  classicRules,
  readClassicAnswer,
  writeClassicCall,
} from '../../wire/classic.ts';
import { LengthPrefixedReader } from '../../wire/length-prefixed.ts';
import { Channel } from '../channel.ts';
import { Closing } from '../closing.ts';
import type { Connection, ConnectionEvents, ConnectionOptions } from '../connection.ts';
import { Heartbeat } from '../heartbeat.ts';
import { brokenProtocol, lost, notOpen, whyLost } from '../lost.ts';

/** A place in the order of answers. Nobody may be waiting at it any more: its answer comes all the same. */
interface Slot {
  method: string;
  wantsEncoded: boolean;
  waiting: { resolve(reply: Reply): void; reject(error: RpcError): void } | undefined;
}

/**
 * What a server, or a gateway before it, may say for a handler that has run: it threw, took too long, gave what cannot be
 * said, or was lost. The other codes are a handler's own answer, or say that there was no such call to make.
 */
const afterTheFact: ReadonlySet<string> = new Set([
  'CANCELLED',
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'INTERNAL',
  'UNAVAILABLE',
]);

/** The client's end of a classic connection: calls are sent one behind the other, answers come in the same order. */
export class ClassicClient implements Connection {
  readonly hello = undefined;
  readonly load = undefined;
  state: 'open' | 'draining' | 'closed' = 'open';
  readonly #channel: Channel;
  readonly #reader: LengthPrefixedReader;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents & { onHello(): void };
  readonly #heartbeat: Heartbeat;
  readonly #closing: Closing;
  readonly #slots: Slot[] = [];
  #answered = false;

  constructor(stream: Duplex, options: ConnectionOptions, events: ConnectionEvents & { onHello(): void }) {
    this.#options = options;
    this.#events = events;
    this.#closing = new Closing(options.clock, this);
    this.#reader = new LengthPrefixedReader(classicRules(options.limits.message), (buffer, start, end) =>
      this.#onMessage(buffer, start, end),
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
      ping: () => this.#pingIfIdle(),
      askLoad: () => false,
      onDead: (ms) => this.destroy(lost(`no sign of life for ${Math.round(ms)} ms`)),
    });
    // "Connected" proves nothing, and this protocol has no HELLO: the answer to a ping, whatever it is, stands for it.
    this.#pingIfIdle();
  }

  get inFlight(): number {
    return this.#slots.length;
  }

  get heartbeatOverdue(): boolean {
    return this.#heartbeat.overdue;
  }

  send(call: Call): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.state !== 'open') return reject(notOpen(this.#channel.peer, this.state));
      if (call.cancelled !== undefined) return reject(call.cancelled.with({ stage: 'unsent', mayHaveExecuted: false }));
      try {
        writeClassicCall(this.#channel.out, call, this.#options.limits.message);
      } catch (error) {
        return reject(error);
      }
      const slot: Slot = { method: call.method, wantsEncoded: call.wantsEncoded, waiting: { resolve, reject } };
      this.#slots.push(slot);
      call.onCancel((cause) => {
        slot.waiting?.reject(cause.with({ stage: 'sent', mayHaveExecuted: true }));
        slot.waiting = undefined;
      });
      this.#channel.flush();
    });
  }

  close(grace: number): Promise<void> {
    if (this.state === 'closed') return Promise.resolve();
    this.state = 'draining';
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

  /** It answers in order: while a call is at work, a ping would wait behind it and prove nothing. */
  #pingIfIdle(): boolean {
    if (this.#slots.length > 0) return false;
    this.#slots.push({ method: 'ping', wantsEncoded: false, waiting: undefined });
    writeClassicCall(this.#channel.out, { method: 'ping', input: null }, this.#options.limits.message);
    this.#channel.flush();
    return true;
  }

  /** Whatever is wrong with what the server sends ends the connection: there is only the order to tell answers by. */
  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      const { reason, message } = error as RpcError;
      this.destroy(reason === 'PROTOCOL' ? (error as RpcError) : brokenProtocol(message, error));
    }
  }

  #onMessage(buffer: Buffer, start: number, end: number): boolean {
    const answer = readClassicAnswer(buffer, start, end, this.#options.limits.depth);
    const slot = this.#slots.shift();
    if (slot === undefined) throw brokenProtocol('an answer to no call');
    this.#settle(slot, answer);
    if (!this.#answered) {
      this.#answered = true;
      this.#events.onHello();
    }
    this.#closing.onAnswer();
    return this.#channel.ready;
  }

  #settle(slot: Slot, answer: ClassicAnswer): void {
    if ('error' in answer) {
      // The protocol has no word for it, and the caller must not take it for safe to make the call again.
      const { error } = answer;
      slot.waiting?.reject(afterTheFact.has(error.code) ? error.with({ mayHaveExecuted: true }) : error);
      return;
    }
    if (answer.out !== answerName(slot.method)) {
      const error = brokenProtocol(`"${answer.out}" came where "${answerName(slot.method)}" was due`);
      slot.waiting?.reject(error.with({ mayHaveExecuted: true }));
      slot.waiting = undefined;
      // From here on nothing fits.
      throw error;
    }
    const { result } = answer;
    const output = slot.wantsEncoded ? new Encoded('json', Buffer.from(JSON.stringify(result) ?? '')) : result;
    slot.waiting?.resolve({ output });
  }

  #onClose(cause: Error | undefined): void {
    this.state = 'closed';
    this.#heartbeat.stop();
    const error = whyLost(cause);
    for (const { waiting } of this.#slots.splice(0))
      waiting?.reject(error.with({ stage: 'sent', mayHaveExecuted: true }));
    this.#closing.onGone();
    this.#events.onClose(error);
  }
}
