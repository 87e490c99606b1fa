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

/** A chunk of fewer bytes is copied: kept as it came, its bookkeeping would take more memory than its bytes. */
const smallChunk = 4_096;
const smallestBlock = 16_384;

/**
 * Puts chunks together to messages that stand behind their length (u32, little-endian): what both protocols have in
 * common. A length is checked as soon as its four bytes are there; nothing is allocated by what a peer announces, only
 * what it really sends is kept, and a message that comes in one chunk is not copied at all.
 */
export class LengthPrefixedReader {
  /** How many messages there were so far. */
  messages = 0;
  readonly #rules: LengthRules;
  readonly #listener: MessageListener;
  /** The listener said no. */
  #held = false;
  /** What is there of the next message, or of more than one while the listener says no. */
  #chunks: Buffer[] = [];
  #have = 0;
  /** How many bytes are needed to go on. */
  #need = 4;
  /** Where small chunks go to: `#chunks`' last, while it is not full. */
  #block: Buffer | undefined;
  #filled = 0;

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
    let at = 0;
    // What was begun is made whole, and no more: all that follows it is read where it lies.
    while (this.#have > 0 || this.#held) {
      const missing = this.#need - this.#have;
      if (this.#held || chunk.length - at < missing) {
        this.#add(chunk, at, chunk.length);
        return;
      }
      this.#add(chunk, at, at + missing);
      at += missing;
      this.#parse(this.#join(), 0);
    }
    this.#parse(chunk, at);
  }

  /** Goes on with what is there, after the listener had said no. Throws as `push` does. */
  resume(): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.#have > 0) this.#parse(this.#join(), 0);
  }

  #parse(buffer: Buffer, from: number): void {
    const { shortest, longest, checkFirstByte } = this.#rules;
    const size = buffer.length;
    let at = from;
    while (size - at >= 4) {
      const length = (buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)) >>> 0;
      if (length < shortest) throw tooShort(length, shortest);
      if (length > longest) throw tooLong(length, longest);
      const end = at + 4 + length;
      if (checkFirstByte !== undefined) {
        if (size - at === 4) return this.#keep(buffer, at, 5);
        checkFirstByte(buffer[at + 4]!);
      }
      if (end > size) return this.#keep(buffer, at, 4 + length);
      this.messages++;
      at = end;
      if (!this.#listener(buffer, end - length, end)) {
        this.#held = true;
        break;
      }
    }
    this.#keep(buffer, at, 4);
  }

  #keep(buffer: Buffer, at: number, need: number): void {
    this.#need = need;
    if (at < buffer.length) this.#add(buffer, at, buffer.length);
  }

  #add(chunk: Buffer, start: number, end: number): void {
    const size = end - start;
    if (size < smallChunk && this.#have > 0) this.#copy(chunk, start, end);
    else if (size > 0) {
      this.#closeBlock();
      this.#chunks.push(chunk.subarray(start, end));
    }
    this.#have += size;
  }

  #copy(chunk: Buffer, start: number, end: number): void {
    for (let at = start; at < end; ) {
      if (this.#block === undefined || this.#filled === this.#block.length) {
        this.#closeBlock();
        // Blocks double with what is there, so that a few of them make a long message, and never twice its size.
        const missing = Math.max(this.#need - this.#have, end - at);
        this.#block = Buffer.allocUnsafeSlow(Math.min(missing, Math.max(smallestBlock, this.#have)));
      }
      const copied = chunk.copy(this.#block, this.#filled, at, end);
      this.#filled += copied;
      at += copied;
    }
  }

  #closeBlock(): void {
    if (this.#block !== undefined) this.#chunks.push(this.#block.subarray(0, this.#filled));
    this.#block = undefined;
    this.#filled = 0;
  }

  /** All that is there, in one piece. */
  #join(): Buffer {
    this.#closeBlock();
    const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#have);
    this.#chunks = [];
    this.#have = 0;
    return whole;
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
