import type { Duplex } from 'node:stream';
import { RpcError } from '../core/error.ts';
import { frameType } from '../wire/frame.ts';
import { writeError } from '../wire/message.ts';
import { preface, sniff } from '../wire/preface.ts';
import { Channel } from './channel.ts';
import { ClassicServer } from './classic/server.ts';
import { FramedServer } from './framed/server.ts';
import { peerAddress } from './network.ts';
import { logBadPeer, type ServedConnection, type ServedOptions } from './served.ts';

/** A connection whose protocol is not known yet; then the one that it turned out to be. */
export class Sniffer implements ServedConnection {
  readonly #stream: Duplex;
  readonly #options: ServedOptions;
  /** When the first byte came. */
  #since = 0;
  #first: Buffer = Buffer.alloc(0);
  #connection: ServedConnection | undefined;
  #draining = false;

  constructor(stream: Duplex, options: ServedOptions) {
    this.#stream = stream;
    this.#options = options;
    for (const [event, listener] of this.#listeners) stream.on(event, listener);
  }

  get inFlight(): number {
    return this.#connection?.inFlight ?? 0;
  }

  get unread(): number {
    return this.#connection?.unread ?? 0;
  }

  get lastProgress(): number {
    return this.#connection?.lastProgress ?? Number.POSITIVE_INFINITY;
  }

  drain(): void {
    this.#draining = true;
    this.#connection?.drain();
  }

  refuse(): void {
    // Who has not said a word has no call at work.
    if (this.#connection === undefined) this.#stream.destroy();
    else this.#connection.refuse();
  }

  check(now: number): void {
    if (this.#connection !== undefined) return this.#connection.check(now);
    // Nothing said at all may be an idle classic peer; a part of a first word is somebody slow on purpose.
    const { headerTimeout } = this.#options.limits;
    if (this.#first.length === 0 || now - this.#since <= headerTimeout) return;
    const message = `a first word was not finished within ${headerTimeout} ms`;
    this.#leave(new RpcError('DEADLINE_EXCEEDED', message, { reason: 'PROTOCOL' }));
  }

  excuse(now: number): void {
    this.#since = now;
    this.#connection?.excuse(now);
  }

  destroy(cause?: RpcError): void {
    if (this.#connection === undefined) this.#stream.destroy();
    else this.#connection.destroy(cause);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#first.length === 0) this.#since = this.#options.clock.now();
    this.#first = this.#first.length === 0 ? chunk : Buffer.concat([this.#first, chunk]);
    const bytes = this.#first;
    const protocol = sniff(bytes);
    if (protocol === undefined) return;
    this.#first = Buffer.alloc(0);
    // From here on the stream is somebody else's.
    for (const [event, listener] of this.#listeners) this.#stream.off(event, listener);
    if (protocol === 'unknown-version') this.#refuseVersion(bytes[4]!);
    else if (protocol === 'framed')
      this.#become(new FramedServer(this.#stream, this.#options), bytes.subarray(preface.length));
    else this.#become(new ClassicServer(this.#stream, this.#options), bytes);
  };

  #become(connection: FramedServer | ClassicServer, rest: Buffer): void {
    this.#connection = connection;
    if (this.#draining) connection.drain();
    if (rest.length > 0) connection.push(rest);
  }

  /** Said in a frame whose layout is the same in all versions: a later client learns what it may speak here. */
  #refuseVersion(version: number): void {
    const { clock, log, onClose } = this.#options;
    const message = `version ${version} of the protocol is not known here: expected ${preface[4]}`;
    const error = new RpcError('UNIMPLEMENTED', message);
    const channel = new Channel(this.#stream, clock, 'server', { onData() {}, onReady() {}, onEnd() {}, onClose });
    logBadPeer(log, channel.peer, error);
    writeError(channel.out, frameType.error, 0, error);
    channel.end();
  }

  #leave(error: RpcError): void {
    logBadPeer(this.#options.log, peerAddress(this.#stream), error);
    this.#stream.destroy();
  }

  /** Whoever only knocks: a port scan, a health check by TCP. */
  readonly #onEnd = (): void => {
    this.#leave(new RpcError('CANCELLED', 'the peer ended it before it had said which protocol it speaks'));
  };

  readonly #onError = (): void => {};

  readonly #onClose = (): void => {
    this.#options.onClose();
  };

  readonly #listeners = [
    ['data', this.#onData],
    ['end', this.#onEnd],
    ['error', this.#onError],
    ['close', this.#onClose],
  ] as const;
}
