import { RpcError } from '../core/error.ts';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBrace = 0x7d;
const closeBracket = 0x5d;

/**
 * Looks over JSON before it is parsed: refuses what nests deeper than `depth`, and objects with a key `__proto__`, which
 * a careless merge would turn into somebody's prototype. It does not check the syntax; the parser does.
 * Throws INVALID_ARGUMENT.
 */
export function guardJson(buffer: Uint8Array, start: number, end: number, depth: number): void {
  let level = 0;
  for (let i = start; i < end; i++) {
    const byte = buffer[i]!;
    if (byte === quote) {
      const first = i + 1;
      let escaped = false;
      for (i++; i < end && buffer[i] !== quote; i++) {
        if (buffer[i] === backslash) {
          escaped = true;
          i++;
        }
      }
      // Ten bytes can be the key as it is; more only if some are escaped.
      const length = i - first;
      if ((escaped ? length > 9 : length === 9) && isPrototypeKey(buffer, first, i, end, escaped)) {
        throw new RpcError('INVALID_ARGUMENT', 'the message has a key "__proto__", which is not allowed');
      }
    } else if (byte === openBrace || byte === openBracket) {
      if (++level > depth) throw new RpcError('INVALID_ARGUMENT', `the message nests deeper than ${depth} levels`);
    } else if (byte === closeBrace || byte === closeBracket) {
      level--;
    }
  }
}

function isPrototypeKey(buffer: Uint8Array, start: number, stop: number, end: number, escaped: boolean): boolean {
  let next = stop + 1;
  while (next < end && isSpace(buffer[next]!)) next++;
  if (next >= end || buffer[next] !== colon) return false;
  const text = Buffer.from(buffer.buffer, buffer.byteOffset + start, stop - start).toString('latin1');
  if (!escaped) return text === '__proto__';
  try {
    return JSON.parse(`"${text}"`) === '__proto__';
  } catch {
    return false;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
