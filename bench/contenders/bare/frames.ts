/**
 * The reference: 4-byte little-endian length + JSON, as little as can be and no less than one would write by hand.
 * Frames are collected and written once a tick; replies come in order, so that no ids are needed.
 */
import type { Socket } from 'node:net';

const slabSize = 64 * 1024;
const headerSize = 4;

/** Collects frames in a slab of memory; `flush` writes what is there with one call. */
export class FrameWriter {
  readonly #socket: Socket;
  #slab = Buffer.allocUnsafeSlow(slabSize);
  #begin = 0;
  #end = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** True if it is the first frame since the last flush. */
  add(value: unknown): boolean {
    const json = JSON.stringify(value);
    const worst = headerSize + json.length * 3;
    const first = this.#begin === this.#end;
    if (this.#end + worst > this.#slab.length) {
      this.flush();
      // What was written may still be on its way: a slab is never used twice.
      this.#slab = Buffer.allocUnsafeSlow(Math.max(slabSize, worst));
      this.#begin = 0;
      this.#end = 0;
    }
    const length = this.#slab.write(json, this.#end + headerSize);
    this.#slab.writeUInt32LE(length, this.#end);
    this.#end += headerSize + length;
    return first;
  }

  flush(): void {
    if (this.#begin === this.#end) return;
    this.#socket.write(this.#slab.subarray(this.#begin, this.#end));
    this.#begin = this.#end;
  }
}

/** Calls `onValue` for each whole frame in what the socket gives, and `onChunk` after each chunk. */
export function readFrames(socket: Socket, onValue: (value: unknown) => void, onChunk: () => void): void {
  let rest: Buffer | undefined;
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= headerSize) {
      const end = at + headerSize + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      onValue(JSON.parse(bytes.toString('utf8', at + headerSize, end)));
      at = end;
    }
    rest = at < bytes.length ? bytes.subarray(at) : undefined;
    onChunk();
  });
}
