/** Jute, the encoding of ZooKeeper's records: big-endian numbers, strings and buffers behind a 4-byte length. */

/** The bytes are no record of the kind that was expected. */
export class JuteError extends Error {
  override readonly name = 'JuteError';
}

/** Reads one record after the other. Every method throws JuteError when the bytes end too early. */
export class JuteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bool(): boolean {
    return this.#bytes[this.#take(1)] !== 0;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** A view of the bytes, not a copy; a length of -1 is null. */
  buffer(): Buffer | null {
    const length = this.int();
    if (length === -1) return null;
    if (length < 0) throw new JuteError(`a length of ${length}`);
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Null becomes the empty string: no request means anything else by it. */
  string(): string {
    return this.buffer()?.toString('utf8') ?? '';
  }

  /** Null becomes the empty list. */
  vector<T>(item: (reader: JuteReader) => T): T[] {
    const length = this.int();
    // Every item takes a byte at least: a length that cannot be true must not reserve memory.
    if (length < -1 || length > this.left) throw new JuteError(`a vector of ${length}`);
    const items: T[] = [];
    for (let i = 0; i < length; i++) items.push(item(this));
    return items;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.left) throw new JuteError(`${length} bytes expected, ${this.left} left`);
    this.#at += length;
    return at;
  }
}

/** Writes one value after the other into a buffer that grows. */
export class JuteWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  bool(value: boolean): this {
    const at = this.#grow(1);
    this.#bytes[at] = value ? 1 : 0;
    return this;
  }

  int(value: number): this {
    const at = this.#grow(4);
    this.#bytes.writeInt32BE(value | 0, at);
    return this;
  }

  long(value: bigint): this {
    const at = this.#grow(8);
    this.#bytes.writeBigInt64BE(value, at);
    return this;
  }

  buffer(value: Uint8Array | null): this {
    if (value === null) return this.int(-1);
    this.int(value.length);
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  string(value: string): this {
    const length = Buffer.byteLength(value);
    this.int(length);
    const at = this.#grow(length);
    this.#bytes.write(value, at, length, 'utf8');
    return this;
  }

  vector<T>(items: readonly T[], write: (item: T, writer: this) => void): this {
    this.int(items.length);
    for (const item of items) write(item, this);
    return this;
  }

  /** What was written. The writer must not be used after it. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
