import { RpcError } from '../core/error.ts';

/** Gets each message: `buffer[start..end)`, without its length field. The bytes stay as they are. False = read no further. */
export type MessageListener = (buffer: Buffer, start: number, end: number) => boolean;

export interface LengthRules {
  /** The smallest value that a length field may have. */
  shortest: number;
  /** The largest value that a length field may have. */
  longest: number;
  /** Looks at a message's first byte as soon as it is there; throws an RpcError for one that cannot be. */
  checkFirstByte?: (byte: number) => void;
}

/**
 * Puts chunks together to messages that stand behind their length (u32, little-endian): what both protocols have in
 * common. A length is checked as soon as its four bytes are there; nothing is allocated by what a peer announces, only
 * what it really sends is kept, and no byte is copied more than once.
 */
export class LengthPrefixedReader {
  readonly #rules: LengthRules;
  readonly #listener: MessageListener;
  #chunks: Buffer[] = [];
  #have = 0;
  #need = 4;

  constructor(rules: LengthRules, listener: MessageListener) {
    this.#rules = rules;
    this.#listener = listener;
  }

  /** What is there of a message that is not whole yet: nothing, a part of its length field, or a part of its body. */
  get partial(): 'none' | 'head' | 'body' {
    if (this.#have === 0) return 'none';
    return this.#have < 4 ? 'head' : 'body';
  }

  /** Takes in what came. Throws an RpcError when the peer breaks a rule: then the reader is of no further use. */
  push(chunk: Buffer): void {
    if (this.#have === 0) {
      this.#parse(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.#have += chunk.length;
    if (this.#have >= this.#need) this.resume();
  }

  /** Goes on with what is there, after the listener had said no. */
  resume(): void {
    const buffer = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#have);
    this.#chunks = [];
    this.#have = 0;
    this.#parse(buffer);
  }

  #parse(buffer: Buffer): void {
    const { shortest, longest, checkFirstByte } = this.#rules;
    let at = 0;
    while (buffer.length - at >= 4) {
      const length = buffer.readUInt32LE(at);
      if (length < shortest) throw tooShort(length, shortest);
      if (length > longest) throw tooLong(length, longest);
      if (checkFirstByte !== undefined && buffer.length - at > 4) checkFirstByte(buffer[at + 4]!);
      const end = at + 4 + length;
      if (end > buffer.length) {
        this.#keep(buffer, at, 4 + length);
        return;
      }
      if (!this.#listener(buffer, at + 4, end)) {
        this.#keep(buffer, end, 4);
        return;
      }
      at = end;
    }
    this.#keep(buffer, at, 4);
  }

  #keep(buffer: Buffer, at: number, need: number): void {
    if (at >= buffer.length) return;
    this.#chunks = [buffer.subarray(at)];
    this.#have = buffer.length - at;
    this.#need = need;
  }
}

function tooShort(length: number, shortest: number): RpcError {
  return new RpcError('INTERNAL', `a message says it is ${length} bytes long: at least ${shortest} are needed`, {
    reason: 'PROTOCOL',
  });
}

function tooLong(length: number, longest: number): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `a message says it is ${length} bytes long: at most ${longest} are taken`, {
    reason: 'TOO_LARGE',
  });
}
