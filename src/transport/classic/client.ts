import type { Duplex } from 'node:stream';
import { type Call, Encoded, type Reply } from '../../core/call.ts';
import { RpcError } from '../../core/error.ts';
import {
  answerName,
  type ClassicAnswer,
  classicRules,
  readClassicAnswer,
  writeClassicCall,
} from '../../wire/classic.ts';
import { LengthPrefixedReader } from '../../wire/length-prefixed.ts';
import { Channel } from '../channel.ts';
import type { Connection, ConnectionEvents } from '../connection.ts';
import type { FramedClientOptions } from '../framed/client.ts';
import { Heartbeat } from '../heartbeat.ts';

/** A place in the order of answers. Nobody may be waiting at it any more: its answer comes all the same. */
interface Slot {
  method: string;
  wantsEncoded: boolean;
  waiting: { resolve(reply: Reply): void; reject(error: RpcError): void } | undefined;
}

/** The client's end of a classic connection: calls are sent one behind the other, answers come in the same order. */
export class ClassicClient implements Connection {
  readonly hello = undefined;
  readonly load = undefined;
  state: 'open' | 'draining' | 'closed' = 'open';
  readonly #channel: Channel;
  readonly #reader: LengthPrefixedReader;
  readonly #options: FramedClientOptions;
  readonly #events: ConnectionEvents & { onHello(): void };
  readonly #heartbeat: Heartbeat;
  readonly #slots: Slot[] = [];
  #answered = false;
  #onIdle: (() => void) | undefined;

  constructor(stream: Duplex, options: FramedClientOptions, events: ConnectionEvents & { onHello(): void }) {
    this.#options = options;
    this.#events = events;
    this.#reader = new LengthPrefixedReader(classicRules(options.limits.message), (buffer, start, end) =>
      this.#onMessage(buffer, start, end),
    );
    this.#channel = new Channel(stream, options.clock, {
      onData: (chunk) => this.#onData(chunk),
      onEnd: () => this.#channel.destroy(),
      onClose: (cause) => this.#onClose(cause),
    });
    this.#heartbeat = new Heartbeat(options.clock, options.heartbeat, {
      lastReceived: () => this.#channel.lastReceived,
      ping: () => this.#pingIfIdle(),
      onDead: (ms) => this.#channel.destroy(lost(`no sign of life for ${Math.round(ms)} ms`)),
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
      if (this.state !== 'open') return reject(unsent(`the connection to ${this.#channel.peer} is ${this.state}`));
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
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel();
        this.#onIdle = undefined;
        resolve(this.#channel.finish());
      };
      const timer = this.#options.clock.timer(grace, finish, { keepAlive: true });
      if (this.inFlight === 0) finish();
      else this.#onIdle = finish;
    });
  }

  destroy(cause: RpcError): void {
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

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#channel.destroy(error as Error);
    }
  }

  #onMessage(buffer: Buffer, start: number, end: number): boolean {
    const answer = readClassicAnswer(buffer, start, end, this.#options.limits.depth);
    const slot = this.#slots.shift();
    if (slot === undefined) throw protocol('an answer to no call');
    this.#settle(slot, answer);
    if (!this.#answered) {
      this.#answered = true;
      this.#events.onHello();
    }
    if (this.#slots.length === 0) this.#onIdle?.();
    return !this.#channel.closed;
  }

  #settle(slot: Slot, answer: ClassicAnswer): void {
    if ('error' in answer) {
      slot.waiting?.reject(answer.error);
      return;
    }
    if (answer.out !== answerName(slot.method)) {
      slot.waiting?.reject(protocol(`"${answer.out}" answers "${slot.method}"`));
      slot.waiting = undefined;
      // From here on nothing fits: order is all there is.
      throw protocol(`"${answer.out}" came where "${answerName(slot.method)}" was due`);
    }
    const { result } = answer;
    const output = slot.wantsEncoded ? new Encoded('json', Buffer.from(JSON.stringify(result) ?? '')) : result;
    slot.waiting?.resolve({ output });
  }

  #onClose(cause: Error | undefined): void {
    this.state = 'closed';
    this.#heartbeat.stop();
    const error = RpcError.is(cause) ? cause : lost(cause?.message ?? 'the server closed it', cause);
    for (const { waiting } of this.#slots.splice(0))
      waiting?.reject(error.with({ stage: 'sent', mayHaveExecuted: true }));
    this.#onIdle?.();
    this.#events.onClose(error);
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
