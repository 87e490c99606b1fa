/**
 * The other end of a connection, by hand: it knows the bytes of both protocols on its own, not by the code under test, and
 * may say whatever the test wants.
 */
import type { Duplex } from 'node:stream';

export const preface: Buffer = Buffer.from('45564b4c01', 'hex');

/** Types of frames, as docs/protocol.md has them. */
export const type = {
  hello: 1,
  call: 2,
  reply: 3,
  error: 4,
  cancel: 5,
  ping: 6,
  pong: 7,
  drain: 8,
  refused: 9,
} as const;

export interface RawFrame {
  type: number;
  id: number;
  body: Buffer;
}

/** What the body of a frame says, where it is JSON. */
export function jsonOf(frame: Pick<RawFrame, 'body'> | undefined): Record<string, unknown> {
  if (frame === undefined) throw new Error('there is no such frame');
  return JSON.parse(frame.body.toString());
}

/** The output in a REPLY without metadata. */
export function outputOf(frame: RawFrame | undefined): unknown {
  if (frame?.type !== type.reply) throw new Error(`no REPLY: ${JSON.stringify(frame)}`);
  const text = frame.body.toString('utf8', 2);
  return text === '' ? undefined : JSON.parse(text);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function frame(kind: number, id: number, body: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.from(body as string);
  return Buffer.concat([u32(bytes.length + 5), Buffer.from([kind]), u32(id), bytes]);
}

export interface RawCall {
  id: number;
  name?: string;
  /** JSON. */
  input?: string;
  remaining?: number;
  flags?: number;
  codec?: number;
  attempt?: number;
  /** JSON; sets its flag. */
  metadata?: string;
}

export function call(given: RawCall): Buffer {
  const { id, name = 'test/echo', input = 'null', remaining = 2 ** 32 - 1, codec = 0, attempt = 1, metadata } = given;
  const { flags = metadata === undefined ? 0 : 1 } = given;
  const parts = [Buffer.from([flags, codec, attempt, name.length]), u32(remaining), Buffer.from(name)];
  if (metadata !== undefined) {
    const bytes = Buffer.from(metadata);
    parts.push(u32(bytes.length).subarray(0, 2), bytes);
  }
  return frame(type.call, id, Buffer.concat([...parts, Buffer.from(input)]));
}

/** @param output JSON */
export function reply(id: number, output = 'null'): Buffer {
  return frame(type.reply, id, Buffer.concat([Buffer.from([0, 0]), Buffer.from(output)]));
}

export const usualHello = {
  version: 1,
  service: 'test',
  instance: '0123456789abcdef',
  worker: { index: 0, of: 1 },
  state: 'serving',
  limits: { message: 4_194_304, metadata: 16_384, calls: 4_096 },
  methods: { echo: { idempotent: true, codecs: ['json'], streaming: 'none' } },
  features: [],
};

export function hello(changes: object = {}): Buffer {
  return frame(type.hello, 0, JSON.stringify({ ...usualHello, ...changes }));
}

/** A classic message; a text is taken as it is. */
export function classic(message: unknown): Buffer {
  const bytes = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  return Buffer.concat([u32(bytes.length), bytes]);
}

/** Bytes cut at their length fields; what is not whole is left out. */
function split(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let at = 0;
  while (bytes.length - at >= 4) {
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

export class RawPeer {
  readonly stream: Duplex;
  /** The other end will send no more. */
  ended = false;
  closed = false;
  /** Bytes that came in, the ones read by `skip` included. */
  received = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];

  /** @param reads false for one that leaves unread what is sent to it, until `read` */
  constructor(stream: Duplex, reads = true) {
    this.stream = stream;
    stream.on('end', () => {
      this.ended = true;
    });
    stream.on('close', () => {
      this.closed = true;
    });
    stream.on('error', () => {});
    if (reads) this.read();
  }

  read(): void {
    this.stream.on('data', (chunk: Buffer) => {
      this.received += chunk.length;
      this.#chunks.push(chunk);
    });
  }

  send(...parts: Uint8Array[]): void {
    this.stream.write(Buffer.concat(parts));
  }

  /** All that came in and was not skipped. */
  get bytes(): Buffer {
    if (this.#chunks.length > 0) this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks.splice(0)]);
    return this.#bytes;
  }

  /** Forgets the first bytes, such as a client's preface; answers them. */
  skip(count: number): Buffer {
    const { bytes } = this;
    this.#bytes = bytes.subarray(count);
    return bytes.subarray(0, count);
  }

  get frames(): RawFrame[] {
    return split(this.bytes).map((part) => ({ type: part[0]!, id: part.readUInt32LE(1), body: part.subarray(5) }));
  }

  /** The frames of one type. */
  framesOf(kind: number): RawFrame[] {
    return this.frames.filter((it) => it.type === kind);
  }

  /** Classic messages. */
  get messages(): { in?: string; params?: unknown; out?: string; result?: unknown }[] {
    return split(this.bytes).map((part) => JSON.parse(part.toString()));
  }
}
