import type { Duplex } from 'node:stream';
import type { Reply } from '../../core/call.ts';
import { RpcError } from '../../core/error.ts';
import { json } from '../../wire/codec.ts';
import { frameHead, frameMinimum, frameType, highestId, noLastId, skippable } from '../../wire/frame.ts';
import { encodeHello } from '../../wire/hello.ts';
import { LengthPrefixedReader } from '../../wire/length-prefixed.ts';
import { longestFrame } from '../../wire/limits.ts';
import { readCall, writeError, writeReply } from '../../wire/message.ts';
import { CallTable } from '../call-table.ts';
import { Channel } from '../channel.ts';
import { IncomingCall } from '../incoming.ts';
import { PeerWatch } from '../peer-watch.ts';
import { type ServedConnection, type ServedOptions, unanswerable } from '../served.ts';

/** A framed client pings when it hears nothing for a second; one that says nothing for this long is gone. */
const silenceLimit = 30_000;

/** The server's end of a framed connection: reads calls, hands them to the handler, writes what comes of them. */
export class FramedServer implements ServedConnection {
  readonly #channel: Channel;
  readonly #options: ServedOptions;
  readonly #watch: PeerWatch;
  readonly #peer: { address: string };
  readonly #calls = new CallTable<IncomingCall>();
  #lastId = 0;
  #refusing = false;
  #peerIsDone = false;

  constructor(stream: Duplex, options: ServedOptions) {
    this.#options = options;
    const reader = new LengthPrefixedReader(
      { shortest: frameMinimum, longest: longestFrame(options.limits) },
      (buffer, start, end) => this.#onFrame(buffer, start, end),
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
      silence: silenceLimit,
      reject: (error) => this.#reject(error),
    });
    this.#peer = { address: this.#channel.peer };
    const hello = options.hello();
    this.#channel.out.begin(frameType.hello, 0);
    this.#channel.out.utf8(encodeHello(hello));
    this.#channel.out.end();
    this.#channel.flush();
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  get unread(): number {
    return this.#channel.waiting;
  }

  get lastProgress(): number {
    return this.#channel.lastProgress;
  }

  /** Takes bytes that came in, those behind the preface too. */
  push(chunk: Buffer): void {
    this.#watch.read(chunk);
  }

  drain(): void {
    this.#writeDrain(noLastId);
  }

  refuse(): void {
    if (this.#refusing) return;
    this.#refusing = true;
    this.#writeDrain(this.#lastId);
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

  #writeDrain(lastId: number): void {
    if (this.#channel.closed) return;
    this.#channel.out.begin(frameType.drain, lastId);
    this.#channel.out.end();
    this.#channel.flush();
  }

  /** A broken rule is said in a coded error, then the connection ends. Others are not concerned. */
  #reject(error: RpcError): void {
    if (this.#channel.closed) return;
    this.#watch.complain(error);
    writeError(this.#channel.out, frameType.error, 0, error);
    this.#channel.end();
    this.#cancelAll('the connection was closed');
  }

  /** Throws where the client breaks the protocol. False = no further frame is wanted now. */
  #onFrame(buffer: Buffer, start: number, end: number): boolean {
    const type = buffer[start]!;
    const id = buffer.readUInt32LE(start + 1);
    const body = start + frameHead - 4;
    if (type === frameType.call) this.#onCall(id, buffer, body, end);
    else if (type === frameType.cancel)
      this.#calls.get(id)?.cancel(new RpcError('CANCELLED', 'the caller has cancelled'));
    else if (type === frameType.ping) this.#onPing();
    else if (type < skippable) throw protocol(`frame type ${type} is not one that a client sends`);
    return this.#channel.ready;
  }

  #onCall(id: number, buffer: Buffer, start: number, end: number): void {
    if (id <= this.#lastId || id > highestId) {
      throw protocol(`call ${id} after call ${this.#lastId}: ids rise, up to ${highestId}`);
    }
    this.#lastId = id;
    const refusal = this.#refusal();
    if (refusal !== undefined) return this.#writeError(frameType.refused, id, refusal);
    const { limits, handler } = this.#options;
    let call: IncomingCall;
    try {
      call = IncomingCall.framed(
        readCall(buffer, start, end, limits),
        this.#channel.lastReceived,
        this.#peer,
        limits.depth,
      );
    } catch (error) {
      return this.#writeError(frameType.error, id, RpcError.from(error));
    }
    this.#calls.set(id, call);
    try {
      const reply = handler(call);
      if (reply instanceof Promise) {
        reply.then(
          (value) => this.#onReply(id, call, value),
          (error) => this.#onError(id, error),
        );
      } else this.#onReply(id, call, reply);
    } catch (error) {
      this.#onError(id, error);
    }
  }

  #refusal(): RpcError | undefined {
    if (this.#refusing) {
      return new RpcError('UNAVAILABLE', 'the server is going away', { reason: 'DRAINING', stage: 'refused' });
    }
    if (this.#calls.size >= this.#options.limits.calls) {
      const message = `${this.#options.limits.calls} calls are at work on this connection, its limit`;
      return new RpcError('UNAVAILABLE', message, { reason: 'REFUSED', stage: 'refused' });
    }
    return undefined;
  }

  #onReply(id: number, call: IncomingCall, reply: Reply): void {
    if (!this.#calls.delete(id) || this.#channel.closed) return;
    try {
      writeReply(this.#channel.out, id, reply, call.codec ?? json, this.#options.limits);
      this.#channel.flush();
    } catch (error) {
      this.#writeError(frameType.error, id, unanswerable(error, call, this.#options.log));
    }
    this.#endIfDone();
  }

  #onError(id: number, thrown: unknown): void {
    if (!this.#calls.delete(id) || this.#channel.closed) return;
    const error = RpcError.from(thrown);
    this.#writeError(error.stage === 'refused' ? frameType.refused : frameType.error, id, error);
    this.#endIfDone();
  }

  #writeError(type: number, id: number, error: RpcError): void {
    writeError(this.#channel.out, type, id, error);
    this.#channel.flush();
  }

  #onPing(): void {
    this.#channel.out.begin(frameType.pong, 0);
    this.#channel.out.utf8(JSON.stringify(this.#options.load()));
    this.#channel.out.end();
    this.#channel.flush();
  }

  /** Ends when nothing is at work any more and no call may come: the client gets all answers, then our end. */
  #endIfDone(): void {
    if ((this.#refusing || this.#peerIsDone) && this.#calls.size === 0) this.#channel.end();
  }

  #onClose(): void {
    this.#cancelAll('the caller is gone');
    this.#options.onClose();
  }

  #cancelAll(why: string): void {
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const [, call] of calls) call.cancel(new RpcError('CANCELLED', why));
  }
}

function protocol(message: string): RpcError {
  return new RpcError('INTERNAL', message, { reason: 'PROTOCOL' });
}
