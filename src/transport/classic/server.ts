import type { Duplex } from 'node:stream';
import type { Reply } from '../../core/call.ts';
import { RpcError } from '../../core/error.ts';
import { classicRules, readClassicCall, writeClassicError, writeClassicReply } from '../../wire/classic.ts';
import { LengthPrefixedReader } from '../../wire/length-prefixed.ts';
import { Channel } from '../channel.ts';
import { IncomingCall } from '../incoming.ts';
import { PeerWatch } from '../peer-watch.ts';
import { type ServedConnection, type ServedOptions, unanswerable } from '../served.ts';

/** A place in the order of answers. */
interface Slot {
  /** `undefined` where what came was no call. */
  call: IncomingCall | undefined;
  answer: { reply: Reply } | { error: RpcError } | undefined;
}

/** The server's end of a classic connection: many calls at work, their answers in the order of the questions. */
export class ClassicServer implements ServedConnection {
  readonly #channel: Channel;
  readonly #options: ServedOptions;
  readonly #service: string;
  readonly #watch: PeerWatch;
  readonly #peer: { address: string };
  readonly #slots: Slot[] = [];
  #peerIsDone = false;
  /** Nothing more is taken from this peer: what is at work is answered, then the connection ends. */
  #deaf = false;
  /** As many calls at work as allowed: the rest waits unread. */
  #full = false;

  constructor(stream: Duplex, options: ServedOptions) {
    this.#options = options;
    this.#service = options.hello().service;
    const reader = new LengthPrefixedReader(classicRules(options.limits.message), (buffer, start, end) =>
      this.#onMessage(buffer, start, end),
    );
    this.#channel = new Channel(stream, options.clock, 'server', {
      onData: (chunk) => this.push(chunk),
      onReady: () => this.#watch.read(undefined),
      onEnd: () => {
        this.#peerIsDone = true;
        this.#endIfDone();
      },
      onClose: () => this.#onClose(),
    });
    this.#watch = new PeerWatch(this.#channel, reader, {
      limits: options.limits,
      log: options.log,
      silence: Number.POSITIVE_INFINITY,
      reject: (error) => this.#reject(error),
    });
    this.#peer = { address: this.#channel.peer };
  }

  get inFlight(): number {
    return this.#slots.length;
  }

  get unread(): number {
    return this.#channel.waiting;
  }

  get lastProgress(): number {
    return this.#channel.lastProgress;
  }

  push(chunk: Buffer): void {
    if (!this.#deaf) this.#watch.read(chunk);
  }

  /** There is no word for it in this protocol. */
  drain(): void {}

  refuse(): void {
    this.#deaf = true;
    this.#endIfDone();
  }

  check(now: number): void {
    this.#watch.check(now);
  }

  excuse(now: number): void {
    this.#watch.excuse(now);
  }

  destroy(cause?: RpcError): void {
    if (cause !== undefined) this.#watch.complain(cause);
    this.#channel.destroy(cause);
  }

  /** A broken rule is said in a coded error, in its turn, behind the answers to what came before it. Then comes the end. */
  #reject(error: RpcError): void {
    if (this.#deaf || this.#channel.closed) return;
    this.#watch.complain(error);
    this.#deaf = true;
    this.#settle(this.#take(undefined), { error });
  }

  #take(call: IncomingCall | undefined): Slot {
    const slot: Slot = { call, answer: undefined };
    this.#slots.push(slot);
    return slot;
  }

  #onMessage(buffer: Buffer, start: number, end: number): boolean {
    if (this.#deaf) return false;
    const { limits } = this.#options;
    try {
      const { method, input } = readClassicCall(buffer, start, end, limits.depth);
      const { lastReceived } = this.#channel;
      this.#start(IncomingCall.classic({ service: this.#service, method, input }, lastReceived, this.#peer));
    } catch (error) {
      // One message is wrong; where the next begins is known all the same.
      this.#settle(this.#take(undefined), { error: RpcError.from(error) });
    }
    if (this.#slots.length >= limits.calls) {
      this.#full = true;
      this.#channel.hold();
    }
    return this.#channel.ready;
  }

  #start(call: IncomingCall): void {
    const slot = this.#take(call);
    try {
      const reply = this.#options.handler(call);
      if (reply instanceof Promise) {
        reply.then(
          (value) => this.#settle(slot, { reply: value }),
          (error) => this.#settle(slot, { error: RpcError.from(error) }),
        );
      } else this.#settle(slot, { reply });
    } catch (error) {
      this.#settle(slot, { error: RpcError.from(error) });
    }
  }

  #settle(slot: Slot, answer: NonNullable<Slot['answer']>): void {
    slot.answer = answer;
    if (this.#slots[0] !== slot || this.#channel.closed) return;
    let done = 0;
    for (; this.#slots[done]?.answer !== undefined; done++) {
      this.#write(this.#slots[done]!);
      this.#channel.flush();
    }
    this.#slots.splice(0, done);
    if (this.#full && this.#slots.length <= this.#options.limits.calls / 2) {
      this.#full = false;
      // What had come in before the pause is gone through first.
      this.#channel.release();
    }
    this.#endIfDone();
  }

  #write({ call, answer }: Slot): void {
    if (answer === undefined) return;
    if ('error' in answer) return writeClassicError(this.#channel.out, answer.error);
    try {
      writeClassicReply(this.#channel.out, call!.method, answer.reply.output, this.#options.limits.message);
    } catch (error) {
      writeClassicError(this.#channel.out, unanswerable(error, call!, this.#options.log));
    }
  }

  #endIfDone(): void {
    if ((this.#deaf || this.#peerIsDone) && this.#slots.length === 0) this.#channel.end();
  }

  #onClose(): void {
    const slots = this.#slots.splice(0);
    for (const { call } of slots) call?.cancel(new RpcError('CANCELLED', 'the caller is gone'));
    this.#options.onClose();
  }
}
