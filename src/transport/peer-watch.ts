import { RpcError } from '../core/error.ts';
import type { Limits } from '../wire/limits.ts';
import type { Channel } from './channel.ts';

/** Keeps a server's peers to the time limits. A connection that lies idle between two messages is not late with anything. */
export class PeerWatch {
  readonly #limits: Limits;
  readonly #silence: number;
  /** Since when a message has been coming in. */
  #headSince: number | undefined;

  /** @param silence how long nothing at all may come in, ms; `Infinity` where an idle peer owes no sign of life */
  constructor(limits: Limits, silence: number) {
    this.#limits = limits;
    this.#silence = silence;
  }

  /** What the peer did wrong, if anything. */
  check(now: number, channel: Channel, partial: 'none' | 'head' | 'body'): RpcError | undefined {
    const { headerTimeout, bodyTimeout, writeTimeout } = this.#limits;
    const silent = now - channel.lastReceived;
    if (channel.waiting > 0 && now - channel.lastProgress > writeTimeout) {
      return late(`the peer has read nothing for ${writeTimeout} ms`);
    }
    if (partial !== 'head') this.#headSince = undefined;
    else {
      this.#headSince ??= channel.lastReceived;
      if (now - this.#headSince > headerTimeout) return late(`a message has not begun within ${headerTimeout} ms`);
    }
    if (partial === 'body' && silent > bodyTimeout) return late(`a message has stood still for ${bodyTimeout} ms`);
    if (silent > this.#silence) return late(`no sign of life for ${this.#silence} ms`);
    return undefined;
  }
}

function late(message: string): RpcError {
  return new RpcError('DEADLINE_EXCEEDED', message, { reason: 'PROTOCOL' });
}
