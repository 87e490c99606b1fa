import { RpcError } from '../core/error.ts';
import type { LengthPrefixedReader } from '../wire/length-prefixed.ts';
import type { Limits } from '../wire/limits.ts';
import type { Channel } from './channel.ts';
import { logBadPeer, type ServedOptions } from './served.ts';

export interface PeerRules extends Pick<ServedOptions, 'limits' | 'log'> {
  /** How long nothing at all may come in, ms; `Infinity` where an idle peer owes no sign of life. */
  silence: number;
  /** Tells the peer that it broke a rule, and ends the connection. */
  reject(error: RpcError): void;
}

/**
 * Reads what a server's peer sends and keeps it to the rules: those of the format, which the reader finds broken, and the
 * time limits. A connection that lies idle between two messages is not late with anything.
 */
export class PeerWatch {
  readonly #limits: Limits;
  readonly #channel: Channel;
  readonly #reader: LengthPrefixedReader;
  readonly #rules: PeerRules;
  #complained = false;
  /** Since when the length of a message has been coming in, and which one's. */
  #headSince = 0;
  #headOf = -1;

  constructor(channel: Channel, reader: LengthPrefixedReader, rules: PeerRules) {
    this.#limits = rules.limits;
    this.#channel = channel;
    this.#reader = reader;
    this.#rules = rules;
  }

  /** @param chunk what came in; `undefined` goes on with what came before */
  read(chunk: Buffer | undefined): void {
    try {
      if (chunk === undefined) this.#reader.resume();
      else this.#reader.push(chunk);
    } catch (error) {
      this.#rules.reject(RpcError.from(error));
    }
  }

  /** Looks whether the peer keeps to the time limits. To be asked every now and then. */
  check(now: number): void {
    const channel = this.#channel;
    if (channel.closed) return;
    channel.look(now);
    const { writeTimeout } = this.#limits;
    if (now - channel.lastProgress > writeTimeout) {
      // It does not read: it cannot be told.
      const error = tooLate(`the peer has read nothing for ${writeTimeout} ms`);
      this.complain(error);
      return channel.destroy(error);
    }
    const late = this.#late(now);
    if (late !== undefined) this.#rules.reject(late);
  }

  /** We were stopped ourselves: what came meanwhile is not read yet. */
  excuse(now: number): void {
    this.#channel.readingSince = this.#channel.lastProgress = now;
    this.#headOf = -1;
  }

  /** Notes that the peer broke a rule. Once: what comes of a peer's fault is no news. */
  complain(error: RpcError): void {
    if (!this.#complained) logBadPeer(this.#rules.log, this.#channel.peer, error);
    this.#complained = true;
  }

  #late(now: number): RpcError | undefined {
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
    if (silent > this.#rules.silence) return tooLate(`no sign of life for ${this.#rules.silence} ms`);
    return undefined;
  }
}

function tooLate(message: string): RpcError {
  return new RpcError('DEADLINE_EXCEEDED', message, { reason: 'PROTOCOL' });
}
