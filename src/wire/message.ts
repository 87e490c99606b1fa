import { type Call, Encoded, type Metadata, noMetadata, type Reply } from '../core/call.ts';
import { isCode } from '../core/code.ts';
import { RpcError, type Stage } from '../core/error.ts';
import { type Codec, codecByName, codecByNumber } from './codec.ts';
import { frameType } from './frame.ts';
import { guardJson } from './json-guard.ts';
import type { Limits } from './limits.ts';
import { decodeMetadata, encodeMetadata } from './metadata.ts';
import type { Outbox } from './outbox.ts';

/*
 * CALL    flags u8 | codec u8 | attempt u8 | name length u8 | remaining ms u32 | name | [metadata length u16 | metadata] | message
 * REPLY   flags u8 | codec u8 | [metadata length u16 | metadata] | message
 * ERROR, REFUSED, PONG   JSON
 *
 * name is SERVICE "/" METHOD in ASCII; remaining is 2^32-1 where there is no deadline.
 */

export const flag = {
  metadata: 0x01,
  /** Named in this version, used by later ones: a message that goes on in DATA frames, one that is compressed. */
  more: 0x02,
  compressed: 0x04,
} as const;

const knownFlags = flag.metadata;
const noDeadline = 0xffff_ffff;
const callHead = 8;

/** A CALL as it stands in a frame. The message is not decoded yet. */
export interface CallMessage {
  service: string;
  method: string;
  codec: Codec;
  attempt: number;
  /** Milliseconds that remain, `Infinity` without a deadline. */
  remaining: number;
  metadata: Metadata;
  buffer: Buffer;
  start: number;
  end: number;
}

export interface ReplyMessage {
  codec: Codec;
  metadata: Metadata;
  buffer: Buffer;
  start: number;
  end: number;
}

/** Writes a whole CALL frame. Throws an unsent RpcError, and writes nothing, where a limit of the receiver is in the way. */
export function writeCall(
  out: Outbox,
  id: number,
  call: Call,
  codec: Codec,
  remaining: number,
  limits: PeerLimits,
): void {
  const name = `${call.service}/${call.method}`;
  if (name.length > 255) throw unsent('INVALID_ARGUMENT', `"${name}" is too long a name: at most 255 characters`);
  const metadata = call.metadata === noMetadata ? undefined : encodeMetadata(call.metadata, limits.metadata);
  out.begin(frameType.call, id);
  out.u8(metadata === undefined ? 0 : flag.metadata);
  out.u8(call.input instanceof Encoded ? codecByName(call.input.codec).number : codec.number);
  out.u8(Math.min(call.attempt, 255));
  out.u8(name.length);
  out.u32(remaining === Number.POSITIVE_INFINITY ? noDeadline : Math.min(Math.ceil(remaining), noDeadline - 1));
  out.ascii(name);
  writeRest(out, metadata, call.input, codec, limits);
}

/** Writes a whole REPLY frame. Throws an RpcError, and writes nothing, where the reply is over a limit. */
export function writeReply(out: Outbox, id: number, reply: Reply, codec: Codec, limits: PeerLimits): void {
  const metadata = reply.metadata === undefined ? undefined : encodeMetadata(reply.metadata, limits.metadata);
  out.begin(frameType.reply, id);
  out.u8(metadata === undefined ? 0 : flag.metadata);
  out.u8(reply.output instanceof Encoded ? codecByName(reply.output.codec).number : codec.number);
  writeRest(out, metadata, reply.output, codec, limits);
}

export type PeerLimits = Pick<Limits, 'message' | 'metadata'>;

function writeRest(out: Outbox, metadata: Buffer | undefined, value: unknown, codec: Codec, limits: PeerLimits): void {
  try {
    if (metadata !== undefined) {
      out.u16(metadata.length);
      out.bytes(metadata);
    }
    const size = writeValue(out, value, codec);
    if (size > limits.message) throw tooLarge(size, limits.message);
    out.end();
  } catch (error) {
    out.abandon();
    throw error;
  }
}

/** Writes a message's bytes and says how many they are. */
export function writeValue(out: Outbox, value: unknown, codec: Codec): number {
  let encoded: string | Uint8Array;
  try {
    encoded = value instanceof Encoded ? value.bytes : codec.encode(value);
  } catch (cause) {
    throw unsent('INVALID_ARGUMENT', `the message cannot be written as ${codec.name}: ${(cause as Error).message}`);
  }
  if (typeof encoded === 'string') return out.utf8(encoded);
  out.bytes(encoded);
  return encoded.length;
}

/** Reads a CALL's head. Throws an RpcError for a call that cannot be served; the connection may live on. */
export function readCall(buffer: Buffer, start: number, end: number, limits: Limits): CallMessage {
  if (end - start < callHead || end - start < callHead + buffer[start + 3]!) throw broken('a CALL is cut short');
  const flags = buffer[start]!;
  const nameStart = start + callHead;
  const nameEnd = nameStart + buffer[start + 3]!;
  const name = buffer.toString('latin1', nameStart, nameEnd);
  const slash = name.indexOf('/');
  if (slash < 0) throw broken(`a CALL names "${name}": expected SERVICE/METHOD`);
  const remaining = buffer.readUInt32LE(start + 4);
  const rest = readRest(buffer, nameEnd, end, flags, limits);
  return {
    service: name.slice(0, slash),
    method: name.slice(slash + 1),
    codec: codecByNumber(buffer[start + 1]!),
    attempt: buffer[start + 2]!,
    remaining: remaining === noDeadline ? Number.POSITIVE_INFINITY : remaining,
    metadata: rest.metadata,
    buffer,
    start: rest.start,
    end,
  };
}

export function readReply(buffer: Buffer, start: number, end: number, limits: Limits): ReplyMessage {
  if (end - start < 2) throw broken('a REPLY is cut short');
  const rest = readRest(buffer, start + 2, end, buffer[start]!, limits);
  return { codec: codecByNumber(buffer[start + 1]!), metadata: rest.metadata, buffer, start: rest.start, end };
}

function readRest(buffer: Buffer, start: number, end: number, flags: number, limits: Limits) {
  if ((flags & ~knownFlags) !== 0)
    throw new RpcError('UNIMPLEMENTED', `flags 0x${flags.toString(16)} are not known here`);
  let metadata = noMetadata;
  let at = start;
  if ((flags & flag.metadata) !== 0) {
    if (end - at < 2 || end - at - 2 < buffer.readUInt16LE(at)) throw broken('metadata is cut short');
    const length = buffer.readUInt16LE(at);
    metadata = decodeMetadata(buffer, at + 2, at + 2 + length, limits.metadata);
    at += 2 + length;
  }
  if (end - at > limits.message) throw tooLarge(end - at, limits.message);
  return { metadata, start: at };
}

/** Reads the message itself. */
export function readValue(message: Pick<CallMessage, 'codec' | 'buffer' | 'start' | 'end'>, depth: number): unknown {
  return message.codec.decode(message.buffer, message.start, message.end, depth);
}

/** The message as its bytes. */
export function encodedValue(message: Pick<CallMessage, 'codec' | 'buffer' | 'start' | 'end'>): Encoded {
  return new Encoded(message.codec.name, message.buffer.subarray(message.start, message.end));
}

/** Writes an ERROR or REFUSED frame. What is the sender's own knowledge (cause, stack, attempts) stays here. */
export function writeError(out: Outbox, type: number, id: number, error: RpcError): void {
  out.begin(type, id);
  out.utf8(JSON.stringify(errorToJson(error)));
  out.end();
}

export function errorToJson(error: RpcError): Record<string, unknown> {
  return {
    code: error.code,
    reason: error.reason,
    message: error.message.length > 4_096 ? `${error.message.slice(0, 4_096)}...` : error.message,
    mayHaveExecuted: error.mayHaveExecuted || undefined,
    retryAfter: error.retryAfter,
  };
}

/** Reads what `writeError` wrote. A peer's error is never a reason to throw: what cannot be read is INTERNAL. */
export function readError(buffer: Buffer, start: number, end: number, stage: Stage): RpcError {
  try {
    guardJson(buffer, start, end, 4);
    return errorFromJson(JSON.parse(buffer.toString('utf8', start, end)), stage);
  } catch (cause) {
    return new RpcError('INTERNAL', 'the error that the peer sent cannot be read', {
      reason: 'PROTOCOL',
      cause,
      stage,
    });
  }
}

export function errorFromJson(given: unknown, stage: Stage): RpcError {
  const facts = (typeof given === 'object' && given !== null ? given : {}) as Record<string, unknown>;
  return new RpcError(isCode(facts.code) ? facts.code : 'UNKNOWN', String(facts.message ?? 'no message'), {
    reason: typeof facts.reason === 'string' ? facts.reason : undefined,
    mayHaveExecuted: facts.mayHaveExecuted === true,
    retryAfter: typeof facts.retryAfter === 'number' && facts.retryAfter >= 0 ? facts.retryAfter : undefined,
    stage,
  });
}

function unsent(code: 'INVALID_ARGUMENT', message: string): RpcError {
  return new RpcError(code, message, { stage: 'unsent' });
}

function broken(message: string): RpcError {
  return new RpcError('INTERNAL', message, { reason: 'PROTOCOL' });
}

export function tooLarge(size: number, limit: number): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `a message of ${size} bytes: at most ${limit} are taken`, {
    reason: 'TOO_LARGE',
    stage: 'unsent',
  });
}
