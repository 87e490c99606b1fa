import { frameHead } from './frame.ts';

const initialSize = 16 * 1_024;
/** A buffer that holds this much gets no more frames: so growing copies little, and memory goes back piece by piece. */
const fullSize = 256 * 1_024;

const nothing = Buffer.alloc(0);

/** Memory for outboxes: one needs it only between the first byte of a tick and its end, and most connections are idle. */
const spare: Buffer[] = [];
const mostSpare = 64;

function memory(size: number): Buffer {
  if (size > initialSize) return Buffer.allocUnsafeSlow(size);
  return spare.pop() ?? Buffer.allocUnsafeSlow(initialSize);
}

/**
 * Where frames are written one behind the other until they are sent together. Bytes of a frame go straight to their
 * place; its length is filled in when it ends. It may hold as much as a peer leaves unread.
 */
export class Outbox {
  /** Filled before `#buffer`. */
  #full: Buffer[] = [];
  #fullLength = 0;
  #buffer: Buffer = nothing;
  /** The part of it that is written and not taken. */
  #from = 0;
  #at = 0;
  /** Where the last frame begins. */
  #frame = 0;

  /** Bytes not taken yet. */
  get length(): number {
    return this.#fullLength + this.#at - this.#from;
  }

  /** The next bytes, at most `most`; the memory is the taker's until it calls `giveBack`. */
  take(most: number): Buffer {
    const first = this.#full[0];
    if (first === undefined) {
      const bytes = this.#buffer.subarray(this.#from, Math.min(this.#at, this.#from + most));
      this.#from += bytes.length;
      return bytes;
    }
    const bytes = first.subarray(0, most);
    if (bytes.length === first.length) this.#full.shift();
    else this.#full[0] = first.subarray(most);
    this.#fullLength -= bytes.length;
    return bytes;
  }

  /** @param reusable true if nobody reads any taken bytes any more, so that their memory serves again */
  giveBack(reusable: boolean): void {
    if (this.#from < this.#at || this.#from === 0) return;
    if (reusable && this.#buffer.length === initialSize && spare.length < mostSpare) spare.push(this.#buffer);
    this.#buffer = nothing;
    this.#from = this.#at = 0;
  }

  /** Starts a frame. Until `end` or `abandon`, no other may be started. */
  begin(type: number, id: number): void {
    this.#start(frameHead);
    const buffer = this.#buffer;
    const at = this.#frame + 4;
    buffer[at] = type;
    buffer[at + 1] = id;
    buffer[at + 2] = id >>> 8;
    buffer[at + 3] = id >>> 16;
    buffer[at + 4] = id >>> 24;
  }

  /** Starts a message of the classic protocol: a length and nothing else. */
  beginClassic(): void {
    this.#start(4);
  }

  end(): void {
    const length = this.#at - this.#frame - 4;
    const buffer = this.#buffer;
    buffer[this.#frame] = length;
    buffer[this.#frame + 1] = length >>> 8;
    buffer[this.#frame + 2] = length >>> 16;
    buffer[this.#frame + 3] = length >>> 24;
  }

  /** Throws away the frame that was begun. */
  abandon(): void {
    this.#at = this.#frame;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  u16(value: number): void {
    this.u8(value);
    this.u8(value >>> 8);
  }

  u32(value: number): void {
    this.u16(value);
    this.u16(value >>> 16);
  }

  /** A name. False, and the frame is to be abandoned, if it is not all printable ASCII: it would arrive as another. */
  name(text: string): boolean {
    this.#reserve(text.length);
    const buffer = this.#buffer;
    let at = this.#at;
    // A loop: so short a text is written before a call to `write` has begun.
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x21 || unit > 0x7e) return false;
      buffer[at++] = unit;
    }
    this.#at = at;
    return true;
  }

  /** Returns how many bytes it took. */
  utf8(text: string): number {
    // A UTF-16 unit takes three bytes at most. Long texts are measured first, so as not to reserve three times as much.
    this.#reserve(text.length < 4_096 ? text.length * 3 : Buffer.byteLength(text));
    const written = this.#buffer.write(text, this.#at, 'utf8');
    this.#at += written;
    return written;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #start(head: number): void {
    if (this.#at > fullSize) this.#turn();
    this.#reserve(head);
    this.#frame = this.#at;
    this.#at += head;
  }

  /** Puts the buffer behind those that are full. */
  #turn(): void {
    const bytes = this.#buffer.subarray(this.#from, this.#at);
    if (bytes.length > 0) this.#full.push(bytes);
    this.#fullLength += bytes.length;
    this.#buffer = nothing;
    this.#from = this.#at = 0;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#buffer.length) return;
    // What was taken may still be read where it stands: what was not moves.
    const kept = this.#at - this.#from;
    const larger = memory(Math.max(this.#buffer.length * 2, kept + size));
    this.#buffer.copy(larger, 0, this.#from, this.#at);
    this.#buffer = larger;
    this.#frame -= this.#from;
    this.#from = 0;
    this.#at = kept;
  }
}
