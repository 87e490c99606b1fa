import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../core/clock.ts';
import { Outbox } from '../wire/outbox.ts';
import { peerAddress } from './network.ts';

export interface ChannelEvents {
  onData(chunk: Buffer): void;
  /** Reading goes on after `ready` was false: what had come in until then may be gone through. */
  onReady(): void;
  /** The peer will send no more, and all that it sent was read. */
  onEnd(): void;
  /** The stream is gone, for the cause if there is one. Called once, the last of all. */
  onClose(cause: Error | undefined): void;
}

/** Above this, what waits to be written is a reason to read no more from the same peer. */
const highWater = 1_048_576;
/** Written at once, bytes: as much as shows in time whether a slow peer takes any. */
const slice = 128 * 1_024;
/**
 * With so many bytes the outbox is sent without waiting for the end of the tick: the peer works on them while we write
 * the next ones, instead of each waiting for the other. Measured: less costs system calls, more costs the overlap.
 */
const enough = 1_200;
/** How long a peer may take to end its side after we have ended ours, ms. */
const linger = 1_000;

/**
 * One byte stream with an outbox: what is written within a tick leaves in few writes. What both protocols stand on.
 *
 * What the peer does not take stays in the outbox. A server then reads no more from it: who does not listen gets no more
 * said. A client always reads: two ends that each wait for the other to read would wait for ever.
 */
export class Channel {
  readonly out = new Outbox();
  readonly peer: string;
  /** False when no more is to be read: it is held, too much waits to be written, or the end has begun. */
  ready = true;
  /** When the last bytes came in (on the clock, ms). */
  lastReceived: number;
  /** Since when it reads (on the clock, ms): before, the peer's silence says nothing. */
  readingSince: number;
  /** When the peer was last seen not to let us wait (on the clock, ms), as of the last `look`. */
  lastProgress: number;
  /** When the peer was last seen to take what had waited for it (on the clock, ms), as of the last `look`. */
  lastTaken = Number.NEGATIVE_INFINITY;
  readonly #stream: Duplex;
  readonly #clock: Clock;
  readonly #side: 'client' | 'server';
  readonly #events: ChannelEvents;
  /** A socket's memory serves again once the kernel has copied it; a stream in memory hands it on. */
  readonly #copies: boolean;
  #scheduled = false;
  #held = false;
  #congested = false;
  #ending = false;
  /** The peer's end came while nothing was to be read: what came before it has its turn first. */
  #peerEnded = false;
  #written = 0;
  /** What the last look saw: bytes that the peer had taken, and whether more waited for it. */
  #taken = 0;
  #waited = false;
  #lingering: Timer | undefined;
  #cause: Error | undefined;

  constructor(stream: Duplex, clock: Clock, side: 'client' | 'server', events: ChannelEvents) {
    this.#stream = stream;
    this.#clock = clock;
    this.#side = side;
    this.#events = events;
    this.#copies = stream instanceof Socket;
    this.peer = peerAddress(stream);
    this.lastReceived = this.readingSince = this.lastProgress = clock.now();
    stream.on('data', (chunk: Buffer) => {
      this.lastReceived = clock.now();
      // After our end, what comes in is only taken off the line: unread, it would make the end a reset.
      if (!this.#ending) events.onData(chunk);
    });
    stream.on('drain', () => {
      this.#send();
      if (!this.#congested || this.waiting > highWater / 2) return;
      this.#congested = false;
      this.#readOn();
    });
    stream.on('end', () => {
      // A socket tells of its end even while it is paused.
      if (this.ready || this.#ending) events.onEnd();
      else this.#peerEnded = true;
    });
    stream.on('finish', () => this.#linger());
    stream.on('error', (error) => {
      this.#cause ??= error;
    });
    stream.on('close', () => {
      this.ready = false;
      this.#lingering?.cancel();
      events.onClose(this.#cause);
    });
  }

  get closed(): boolean {
    return this.#stream.destroyed;
  }

  /** When the peer last showed that it lives: by what it sent, or by taking what had waited for it. */
  get lastSign(): number {
    return Math.max(this.lastReceived, this.lastTaken);
  }

  /** Bytes that the peer has not taken yet. */
  get waiting(): number {
    return this.out.length + this.#stream.writableLength;
  }

  /** Notes whether the peer takes what waits for it. For who watches, every now and then. */
  look(now: number): void {
    const taken = this.#written - this.#stream.writableLength;
    if (this.#waited && taken > this.#taken) this.lastTaken = now;
    this.#waited = this.waiting > 0;
    if (!this.#waited || taken > this.#taken) this.lastProgress = now;
    this.#taken = taken;
  }

  /** Sends the outbox at the end of this tick, when all that can be written now has been; at once if it holds enough. */
  flush(): void {
    if (this.out.length >= enough) this.#send();
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#sendScheduled);
  }

  readonly #sendScheduled = (): void => {
    this.#scheduled = false;
    this.#send();
  };

  #send(): void {
    const { out } = this;
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return;
    while (out.length > 0 && !stream.writableNeedDrain) {
      const bytes = out.take(slice);
      this.#written += bytes.length;
      stream.write(bytes);
      out.giveBack(this.#copies && stream.writableLength === 0);
    }
    if (this.#ending) {
      if (out.length === 0) stream.end();
    } else if (out.length > highWater && this.#side === 'server') {
      this.#congested = true;
      this.#readNoMore();
    }
  }

  /** Reads no more until `release`. */
  hold(): void {
    this.#held = true;
    this.#readNoMore();
  }

  release(): void {
    this.#held = false;
    this.#readOn();
  }

  #readNoMore(): void {
    this.ready = false;
    this.#stream.pause();
  }

  #readOn(): void {
    if (this.ready || this.#held || this.#congested || this.#ending || this.closed) return;
    this.ready = true;
    this.readingSince = this.#clock.now();
    this.#events.onReady();
    if (!this.ready) return;
    this.#stream.resume();
    if (!this.#peerEnded) return;
    this.#peerEnded = false;
    this.#events.onEnd();
  }

  /**
   * Sends what is left and says that there is no more. A peer that does not end then is cut off after a second. A client
   * has nothing left to say that anyone waits for: it gives the server this second to take it, too.
   */
  end(): void {
    this.#ending = true;
    this.ready = false;
    this.#send();
    this.#stream.resume();
    if (this.#side === 'client') this.#linger();
  }

  #linger(): void {
    this.#lingering ??= this.#clock.timer(linger, () => this.destroy(), { keepAlive: true });
  }

  /** Ends the stream at once. What was not sent is lost. */
  destroy(cause?: Error): void {
    this.#cause ??= cause;
    this.ready = false;
    this.#stream.destroy();
  }
}
