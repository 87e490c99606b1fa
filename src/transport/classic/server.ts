import type { Duplex } from 'node:stream';
import type { Reply } from '../../core/call.ts';
import { RpcError } from '../../core/error.ts';
import { classicRules, readClassicCall, writeClassicError, writeClassicReply } from '../../wire/classic.ts';
import { LengthPrefixedReader } from '../../wire/length-prefixed.ts';
import { Channel } from '../channel.ts';
import { IncomingCall } from '../incoming.ts';
import { PeerWatch } from '../peer-watch.ts';
import { logBadPeer, type ServedConnection, type ServedOptions } from '../served.ts';

/** A place in the order of answers. */
interface Slot {
  call: IncomingCall;
  answer: { reply: Reply } | { error: RpcError } | undefined;
}

/** The server's end of a classic connection: many calls at work, their answers in the order of the questions. */
export class ClassicServer implements ServedConnection {
  readonly #channel: Channel;
  readonly #reader: LengthPrefixedReader;
  readonly #options: ServedOptions;
  readonly #service: string;
  readonly #watch: PeerWatch;
  readonly #peer: { address: string };
  readonly #slots: Slot[] = [];
  #refusing = false;
  #peerIsDone = false;
  /** As many calls at work as allowed: the rest waits unread. */
  #full = false;

  constructor(stream: Duplex, options: ServedOptions) {
    this.#options = options;
    this.#service = options.hello().service;
    this.#watch = new PeerWatch(options.limits, Number.POSITIVE_INFINITY);
    this.#reader = new LengthPrefixedReader(classicRules(options.limits.message), (buffer, start, end) =>
      this.#onMessage(buffer, start, end),
    );
    this.#channel = new Channel(stream, options.clock, {
      onData: (chunk) => this.push(chunk),
      onEnd: () => {
        this.#peerIsDone = true;
        this.#endIfDone();
      },
      onClose: () => this.#onClose(),
    });
    this.#peer = { address: this.#channel.peer };
  }

  get inFlight(): number {
    return this.#slots.length;
  }

  push(chunk: Buffer): void {
    this.#guarded(() => this.#reader.push(chunk));
  }

  /** There is no word for it in this protocol. */
  drain(): void {}

  refuse(): void {
    this.#refusing = true;
    this.#channel.pause();
    this.#endIfDone();
  }

  check(now: number): void {
    // A reader that we hold back ourselves is not the peer's fault.
    const fault = this.#watch.check(now, this.#channel, this.#full || this.#refusing ? 'none' : this.#reader.partial);
    if (fault !== undefined) this.#reject(fault);
  }

  destroy(): void {
    this.#channel.destroy();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#reject(RpcError.from(error));
    }
  }

  #reject(error: RpcError): void {
    if (this.#channel.closed) return;
    logBadPeer(this.#options.log, this.#peer.address, error);
    writeClassicError(this.#channel.out, error);
    this.#channel.end();
    this.#cancelAll('the connection was closed');
    this.#options.clock.timer(1_000, () => this.#channel.destroy());
  }

  #onMessage(buffer: Buffer, start: number, end: number): boolean {
    if (this.#refusing || this.#channel.closed) return false;
    const { limits, handler } = this.#options;
    const { method, input } = readClassicCall(buffer, start, end, limits.depth);
    const call = IncomingCall.classic({ service: this.#service, method, input }, this.#peer);
    const slot: Slot = { call, answer: undefined };
    this.#slots.push(slot);
    try {
      const reply = handler(call);
      if (reply instanceof Promise) {
        reply.then(
          (value) => this.#settle(slot, { reply: value }),
          (error) => this.#settle(slot, { error: RpcError.from(error) }),
        );
      } else this.#settle(slot, { reply });
    } catch (error) {
      this.#settle(slot, { error: RpcError.from(error) });
    }
    if (this.#slots.length < limits.calls) return true;
    this.#full = true;
    this.#channel.pause();
    return false;
  }

  #settle(slot: Slot, answer: NonNullable<Slot['answer']>): void {
    slot.answer = answer;
    if (this.#slots[0] !== slot || this.#channel.closed) return;
    let done = 0;
    for (; this.#slots[done]?.answer !== undefined; done++) this.#write(this.#slots[done]!);
    this.#slots.splice(0, done);
    this.#channel.flush();
    if (this.#full && !this.#refusing && this.#slots.length < this.#options.limits.calls / 2) {
      this.#full = false;
      this.#channel.resume();
      // What had come in before the pause is still here.
      if (this.#reader.partial !== 'none') this.#guarded(() => this.#reader.resume());
    }
    this.#endIfDone();
  }

  #write({ call, answer }: Slot): void {
    if (answer === undefined) return;
    if ('error' in answer) return writeClassicError(this.#channel.out, answer.error);
    try {
      writeClassicReply(this.#channel.out, call.method, answer.reply.output, this.#options.limits.message);
    } catch (error) {
      writeClassicError(this.#channel.out, RpcError.from(error));
    }
  }

  #endIfDone(): void {
    const done = this.#refusing || (this.#peerIsDone && !this.#full);
    if (done && this.#slots.length === 0 && !this.#channel.closed) this.#channel.end();
  }

  #onClose(): void {
    this.#cancelAll('the caller is gone');
    this.#options.onClose();
  }

  #cancelAll(why: string): void {
    for (const { call } of this.#slots.splice(0)) call.cancel(new RpcError('CANCELLED', why));
  }
}
