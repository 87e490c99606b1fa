import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.ts';
import { Outbox } from '../wire/outbox.ts';
import { peerAddress } from './network.ts';

export interface ChannelEvents {
  onData(chunk: Buffer): void;
  /** The peer will send no more. */
  onEnd(): void;
  /** The stream is gone, for the cause if there is one. Called once, the last of all. */
  onClose(cause: Error | undefined): void;
}

/** Above this, what waits to be written is a reason to read no more from the same peer. */
const highWater = 1_048_576;

/** One byte stream with an outbox: what is written within a tick leaves in one write. What both protocols stand on. */
export class Channel {
  readonly out = new Outbox();
  readonly peer: string;
  /** When the last bytes came in, and when the peer last took some of ours (on the clock, ms). */
  lastReceived: number;
  lastProgress: number;
  readonly #stream: Duplex;
  readonly #clock: Clock;
  /** A socket's memory serves again once the kernel has copied it; a stream in memory hands it on. */
  readonly #copies: boolean;
  #scheduled = false;
  #held = false;
  #cause: Error | undefined;

  constructor(stream: Duplex, clock: Clock, events: ChannelEvents) {
    this.#stream = stream;
    this.#clock = clock;
    this.#copies = stream instanceof Socket;
    this.peer = peerAddress(stream);
    this.lastReceived = this.lastProgress = clock.now();
    stream.on('data', (chunk: Buffer) => {
      this.lastReceived = clock.now();
      events.onData(chunk);
    });
    stream.on('drain', () => {
      this.lastProgress = clock.now();
      if (!this.#held) stream.resume();
    });
    stream.on('end', () => events.onEnd());
    stream.on('error', (error) => {
      this.#cause ??= error;
    });
    stream.on('close', () => events.onClose(this.#cause));
  }

  get closed(): boolean {
    return this.#stream.destroyed;
  }

  /** Bytes that the peer has not taken yet. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  /** Sends the outbox at the end of this tick, when all that can be written now has been. */
  flush(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#send);
  }

  readonly #send = (): void => {
    this.#scheduled = false;
    const stream = this.#stream;
    if (this.out.length === 0 || stream.destroyed || stream.writableEnded) return;
    if (stream.writableLength === 0) this.lastProgress = this.#clock.now();
    stream.write(this.out.take());
    this.out.giveBack(this.#copies && stream.writableLength === 0);
    if (stream.writableLength > highWater) stream.pause();
  };

  /** Reads no more until `resume`. */
  pause(): void {
    this.#held = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#held = false;
    if (this.#stream.writableLength <= highWater) this.#stream.resume();
  }

  /** Sends what is left and says that there is no more. The peer's end is waited for. */
  end(): void {
    this.#send();
    this.#stream.end();
  }

  /** Sends what is left, ends, and resolves when the peer has ended too; a peer that does not is cut off after a second. */
  finish(): Promise<void> {
    if (this.#stream.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.timer(1_000, () => this.destroy(), { keepAlive: true });
      this.#stream.once('close', () => {
        timer.cancel();
        resolve();
      });
      this.end();
    });
  }

  /** Ends the stream at once. What was not sent is lost. */
  destroy(cause?: Error): void {
    this.#cause ??= cause;
    this.#stream.destroy();
  }
}
