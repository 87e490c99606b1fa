import { type Call, Encoded } from '../core/call.ts';
import { isCode } from '../core/code.ts';
import { RpcError } from '../core/error.ts';
import { json } from './codec.ts';
import type { LengthRules } from './length-prefixed.ts';
import { tooLarge } from './message.ts';
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
    throw notJson('a message does not begin as JSON');
  }
}

function notJson(what: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `${what}: expected {"in": METHOD, "params": INPUT}`);
}

/** Writes a request. Throws an unsent RpcError, and writes nothing, for what is over the limit. */
export function writeClassicCall(out: Outbox, call: Pick<Call, 'method' | 'input'>, limit: number): void {
  writeMessage(out, `{"in":${JSON.stringify(call.method)},"params":${inputText(call.input)}}`, limit);
}

export function writeClassicReply(out: Outbox, method: string, output: unknown, limit: number): void {
  writeMessage(out, `{"out":${JSON.stringify(answerName(method))},"result":${inputText(output)}}`, limit);
}

export function writeClassicError(out: Outbox, error: RpcError): void {
  const result = { code: error.code, message: error.message.slice(0, 4_096) };
  writeMessage(out, JSON.stringify({ out: 'error', result }), Number.POSITIVE_INFINITY);
}

function inputText(value: unknown): string {
  if (value instanceof Encoded) return Buffer.from(value.bytes).toString('utf8') || 'null';
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', `the message cannot be written as JSON: ${(cause as Error).message}`, {
      stage: 'unsent',
    });
  }
}

function writeMessage(out: Outbox, text: string, limit: number): void {
  out.beginClassic();
  const size = out.utf8(text);
  if (size > limit) {
    out.abandon();
    throw tooLarge(size, limit);
  }
  out.end();
}

/** Reads a request. Throws INVALID_ARGUMENT for JSON that is none. */
export function readClassicCall(
  buffer: Buffer,
  start: number,
  end: number,
  depth: number,
): { method: string; input: unknown } {
  const message = json.decode(buffer, start, end, depth + 1) as { in?: unknown; params?: unknown } | null;
  if (typeof message?.in !== 'string') throw notJson('a message has no "in"');
  return { method: message.in, input: message.params };
}

/** What a classic server answered: a result under its name, or an error. */
export type ClassicAnswer = { out: string; result: unknown } | { error: RpcError };

export function readClassicAnswer(buffer: Buffer, start: number, end: number, depth: number): ClassicAnswer {
  const message = json.decode(buffer, start, end, depth + 1) as { out?: unknown; result?: unknown } | null;
  if (typeof message?.out !== 'string') {
    throw new RpcError('INTERNAL', 'the server answered something without "out"', { reason: 'PROTOCOL' });
  }
  if (message.out !== 'error') return { out: message.out, result: message.result };
  const facts = (message.result ?? {}) as { code?: unknown; message?: unknown };
  const text = typeof message.result === 'string' ? message.result : String(facts.message ?? 'no message');
  return { error: new RpcError(isCode(facts.code) ? facts.code : 'UNKNOWN', text) };
}
