/** Cuts a stream of bytes into ZooKeeper's frames: four bytes of length, big-endian, then the frame. */
export class Frames {
  readonly #most: number;
  #chunks: Buffer[] = [];
  #size = 0;

  /** @param most bytes that a frame may have */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Takes what came and gives the frames that are whole now, each with its length. Joins bytes once a frame, however
   * many pieces it came in.
   *
   * @throws when a frame says to be longer than allowed, before its bytes are kept
   */
  *take(chunk: Buffer): Generator<Buffer, void, void> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= 4) {
      const length = this.#join(4).readInt32BE();
      if (length < 0 || length > this.#most) throw new Error(`a frame of ${length} bytes, allowed are ${this.#most}`);
      if (this.#size < 4 + length) return;
      const all = this.#join(4 + length);
      const rest = all.subarray(4 + length);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#size = rest.length;
      yield all.subarray(0, 4 + length);
    }
  }

  /** At least the first `bytes` in one piece. */
  #join(bytes: number): Buffer {
    const first = this.#chunks[0]!;
    if (first.length >= bytes) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}
