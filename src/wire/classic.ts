import { type Call, Encoded } from '../core/call.ts';
import { isCode } from '../core/code.ts';
import { RpcError } from '../core/error.ts';
import { json } from './codec.ts';
import type { LengthRules } from './length-prefixed.ts';
import { textOr, tooLarge, unwritable } from './message.ts';
import type { Outbox } from './outbox.ts';

/*
 * The protocol of old and foreign peers: nothing but JSON behind its length, answered in order.
 *
 *  0        4
 *  +--------+---------------------------------------+
 *  | length | {"in": METHOD, "params": INPUT}       |      length: u32, little-endian, of the JSON that follows
 *  +--------+---------------------------------------+      answer: {"out": METHOD_r, "result": OUTPUT}
 */

/** What a method's answer is called. */
export function answerName(method: string): string {
  return method === 'ping' ? 'pong' : `${method}_r`;
}

/** How this protocol's messages are told from other bytes. */
export function classicRules(longest: number): LengthRules {
  return { shortest: 1, longest, checkFirstByte };
}

/** An object, or space before one: what tells a message from a TLS or HTTP hello. */
function checkFirstByte(byte: number): void {
  if (byte !== 0x7b && byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
    throw new RpcError('INVALID_ARGUMENT', 'a message does not begin as a JSON object');
  }
}

/** Writes a request. Throws an unsent RpcError, and writes nothing, for what cannot be said or is over the limit. */
export function writeClassicCall(out: Outbox, call: Pick<Call, 'method' | 'input'>, limit: number): void {
  writeMessage(out, `{"in":${JSON.stringify(call.method)},"params":${valueText(call.input)}}`, limit);
}

/** Writes an answer. Throws as `writeClassicCall` does. */
export function writeClassicReply(out: Outbox, method: string, output: unknown, limit: number): void {
  writeMessage(out, `{"out":${JSON.stringify(answerName(method))},"result":${valueText(output)}}`, limit);
}

export function writeClassicError(out: Outbox, error: RpcError): void {
  const result = { code: error.code, message: error.message.slice(0, 4_096) };
  writeMessage(out, JSON.stringify({ out: 'error', result }), Number.POSITIVE_INFINITY);
}

function valueText(value: unknown): string {
  try {
    return value instanceof Encoded ? encodedText(value) : (JSON.stringify(value) ?? 'null');
  } catch (cause) {
    throw unwritable('json', cause);
  }
}

/** Bytes from outside stand in the midst of our own here: `1,"in":"other"` would be a call of another method. */
function encodedText({ codec, bytes }: Encoded): string {
  if (codec !== json.name) throw new TypeError(`it is in ${codec}, and this protocol knows only json`);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (text === '') return 'null';
  JSON.parse(text);
  return text;
}

function writeMessage(out: Outbox, text: string, limit: number): void {
  // A text has no fewer bytes than characters: what is far too long is not written first.
  if (text.length > limit) throw tooLarge(Buffer.byteLength(text), limit);
  out.beginClassic();
  const size = out.utf8(text);
  if (size > limit) {
    out.abandon();
    throw tooLarge(size, limit);
  }
  out.end();
}

/** Reads a request. Throws INVALID_ARGUMENT for what is none; that is one message's fault, the next may be read. */
export function readClassicCall(
  buffer: Buffer,
  start: number,
  end: number,
  depth: number,
): { method: string; input: unknown } {
  const message = json.decode(buffer, start, end, depth + 1) as { in?: unknown; params?: unknown } | null;
  if (typeof message?.in !== 'string') {
    throw new RpcError('INVALID_ARGUMENT', 'a message has no "in": expected {"in": METHOD, "params": INPUT}');
  }
  return { method: message.in, input: message.params };
}

/** What a classic server answered: a result under its name, or an error. */
export type ClassicAnswer = { out: string; result: unknown } | { error: RpcError };

/** Reads an answer. Throws an RpcError for what is none: then it cannot be told whose it was. */
export function readClassicAnswer(buffer: Buffer, start: number, end: number, depth: number): ClassicAnswer {
  const message = json.decode(buffer, start, end, depth + 1) as { out?: unknown; result?: unknown } | null;
  if (typeof message?.out !== 'string') {
    throw new RpcError('INTERNAL', 'the server answered something without "out"', { reason: 'PROTOCOL' });
  }
  if (message.out !== 'error') return { out: message.out, result: message.result };
  const facts = (message.result ?? {}) as { code?: unknown; message?: unknown };
  const text = textOr(message.result, textOr(facts.message, 'no message'));
  return { error: new RpcError(isCode(facts.code) ? facts.code : 'UNKNOWN', text) };
}
