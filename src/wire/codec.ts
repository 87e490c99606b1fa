import { RpcError } from '../core/error.ts';
import { guardJson } from './json-guard.ts';

/** Values to bytes and back. */
export interface Codec {
  readonly name: string;
  /** Its number on the wire, 0..255. */
  readonly number: number;
  /** Text stands for its UTF-8 bytes. Throws a TypeError for what it cannot say. */
  encode(value: unknown): string | Uint8Array;
  /** Reads `buffer[start..end)`. Throws an RpcError INVALID_ARGUMENT for bytes that are none of its own. */
  decode(buffer: Buffer, start: number, end: number, depth: number): unknown;
}

/** JSON in UTF-8. No bytes at all stand for `undefined`. */
export const json: Codec = {
  name: 'json',
  number: 0,
  encode: (value) => JSON.stringify(value) ?? '',
  decode(buffer, start, end, depth) {
    if (start === end) return undefined;
    guardJson(buffer, start, end, depth);
    try {
      return JSON.parse(buffer.toString('utf8', start, end));
    } catch (cause) {
      throw new RpcError('INVALID_ARGUMENT', 'the message is not valid JSON', { cause });
    }
  },
};

/** What this version speaks. msgpack (1), protobuf (2) and bytes (3) have their numbers and come later. */
export const codecs: readonly Codec[] = [json];

/** On the path of each message: no search. */
const byNumber: readonly (Codec | undefined)[] = Array.from({ length: 256 }, (_, n) =>
  codecs.find((codec) => codec.number === n),
);

export function codecByNumber(number: number): Codec {
  const codec = byNumber[number];
  if (codec !== undefined) return codec;
  throw new RpcError('UNIMPLEMENTED', `codec ${number} is not known here: expected ${list()}`);
}

export function codecByName(name: string): Codec {
  const codec = codecs.find((c) => c.name === name);
  if (codec !== undefined) return codec;
  throw new RpcError('UNIMPLEMENTED', `codec "${name}" is not known here: expected ${list()}`);
}

function list(): string {
  return codecs.map((c) => `${c.name} (${c.number})`).join(', ');
}
