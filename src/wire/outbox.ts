import { frameHead } from './frame.ts';

const initialSize = 16 * 1_024;

/**
 * Where frames are written one behind the other until they are sent together: one buffer, one write a tick.
 * Bytes of a frame go straight to their place; its length is filled in when it ends.
 */
export class Outbox {
  #buffer: Buffer = Buffer.allocUnsafeSlow(initialSize);
  #at = 0;
  #frame = 0;

  /** Bytes not taken yet. */
  get length(): number {
    return this.#at;
  }

  /** All bytes written since the last time; the memory is the taker's until it calls `giveBack`. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#at);
    this.#at = 0;
    return bytes;
  }

  /** @param reusable true if nobody reads the taken bytes any more, so that their memory serves again */
  giveBack(reusable: boolean): void {
    if (!reusable || this.#buffer.length > 16 * initialSize) this.#buffer = Buffer.allocUnsafeSlow(initialSize);
  }

  /** Starts a frame. Until `end`, no other may be started. */
  begin(type: number, id: number): void {
    this.#reserve(frameHead);
    this.#frame = this.#at;
    this.#buffer[this.#at + 4] = type;
    this.#buffer.writeUInt32LE(id, this.#at + 5);
    this.#at += frameHead;
  }

  end(): void {
    this.#buffer.writeUInt32LE(this.#at - this.#frame - 4, this.#frame);
  }

  /** Throws away the frame that was begun. */
  abandon(): void {
    this.#at = this.#frame;
  }

  /** Starts a message of the classic protocol: a length and nothing else. Ended by `end`. */
  beginClassic(): void {
    this.#reserve(4);
    this.#frame = this.#at;
    this.#at += 4;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#at = this.#buffer.writeUInt16LE(value, this.#at);
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  /** ASCII only. */
  ascii(text: string): void {
    this.#reserve(text.length);
    this.#at += this.#buffer.write(text, this.#at, 'latin1');
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

  #reserve(size: number): void {
    if (this.#at + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + size));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
