import { RpcError } from '../core/error.ts';
import type { LengthPrefixedReader } from '../wire/length-prefixed.ts';
import type { Limits } from '../wire/limits.ts';
import type { Channel } from './channel.ts';

/** Keeps a server's peers to the time limits. A connection that lies idle between two messages is not late with anything. */
export class PeerWatch {
  readonly #limits: Limits;
  readonly #channel: Channel;
  readonly #reader: LengthPrefixedReader;
  readonly #silence: number;
  /** Since when the length of a message has been coming in, and which one's. */
  #headSince = 0;
  #headOf = -1;

  /** @param silence how long nothing at all may come in, ms; `Infinity` where an idle peer owes no sign of life */
  constructor(limits: Limits, channel: Channel, reader: LengthPrefixedReader, silence: number) {
    this.#limits = limits;
    this.#channel = channel;
    this.#reader = reader;
    this.#silence = silence;
  }

  /** Says so when the peer does not read: then it cannot be told. To be asked every now and then. */
  unread(now: number): RpcError | undefined {
    const { writeTimeout } = this.#limits;
    const channel = this.#channel;
    channel.look(now);
    const stuck = now - channel.lastProgress > writeTimeout;
    return stuck ? tooLate(`the peer has read nothing for ${writeTimeout} ms`) : undefined;
  }

  /** What the peer is late with, if anything. To be asked every now and then. */
  late(now: number): RpcError | undefined {
    const { headerTimeout, bodyTimeout } = this.#limits;
    const channel = this.#channel;
    // What we do not read, the peer is not late with.
    if (!channel.ready) return undefined;
    const heard = Math.max(channel.lastReceived, channel.readingSince);
    const silent = now - heard;
    const { partial, messages } = this.#reader;
    if (partial === 'head') {
      // A busy peer may be in the midst of a length at every look: of another one each time.
      if (this.#headOf !== messages) this.#headSince = heard;
      this.#headOf = messages;
      if (now - this.#headSince > headerTimeout) return tooLate(`a message has not begun within ${headerTimeout} ms`);
    }
    if (partial === 'body' && silent > bodyTimeout) return tooLate(`a message has stood still for ${bodyTimeout} ms`);
    if (silent > this.#silence) return tooLate(`no sign of life for ${this.#silence} ms`);
    return undefined;
  }

  /** We were stopped ourselves: what came meanwhile is not read yet. */
  excuse(now: number): void {
    this.#channel.readingSince = this.#channel.lastProgress = now;
    this.#headOf = -1;
  }
}

function tooLate(message: string): RpcError {
  return new RpcError('DEADLINE_EXCEEDED', message, { reason: 'PROTOCOL' });
}
