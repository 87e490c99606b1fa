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

/** A message in its codec, ready to be put into a frame. */
export interface EncodedMessage {
  readonly codec: Codec;
  readonly content: string | Uint8Array;
}

/**
 * Encodes a message. To be called before its frame is begun and its id is taken: encoding runs code of the user (`toJSON`),
 * which may make a call on the same connection. Throws an RpcError for what cannot be said.
 */
export function encodeMessage(value: unknown, codec: Codec): EncodedMessage {
  if (value instanceof Encoded) return { codec: codecByName(value.codec), content: value.bytes };
  try {
    return { codec, content: codec.encode(value) };
  } catch (cause) {
    throw unwritable(codec.name, cause);
  }
}

/** Writes a whole CALL frame. Throws an unsent RpcError, and writes nothing, where a limit of the receiver is in the way. */
export function writeCall(
  out: Outbox,
  id: number,
  call: Call,
  message: EncodedMessage,
  remaining: number,
  limits: PeerLimits,
): void {
  const { service, method, attempt } = call;
  const nameLength = service.length + 1 + method.length;
  if (nameLength > 255 || service.includes('/')) throw badName(call);
  const metadata = call.metadata === noMetadata ? undefined : encodeMetadata(call.metadata, limits.metadata);
  out.begin(frameType.call, id);
  out.u8(metadata === undefined ? 0 : flag.metadata);
  out.u8(message.codec.number);
  out.u8(Math.min(attempt, 255));
  out.u8(nameLength);
  out.u32(remaining === Number.POSITIVE_INFINITY ? noDeadline : Math.min(Math.ceil(remaining), noDeadline - 1));
  if (!(out.name(service) && out.name('/') && out.name(method))) {
    out.abandon();
    throw badName(call);
  }
  writeRest(out, metadata, message, limits);
}

function badName({ service, method }: Pick<Call, 'service' | 'method'>): RpcError {
  const name = JSON.stringify(`${service}/${method}`);
  return unsent('INVALID_ARGUMENT', `${name} is no name: expected SERVICE/METHOD, at most 255 characters of ASCII`);
}

/** Writes a whole REPLY frame. Throws an RpcError, and writes nothing, where the reply is over a limit. */
export function writeReply(out: Outbox, id: number, reply: Reply, codec: Codec, limits: PeerLimits): void {
  const metadata =
    reply.metadata === undefined || reply.metadata === noMetadata
      ? undefined
      : encodeMetadata(reply.metadata, limits.metadata);
  const message = encodeMessage(reply.output, codec);
  out.begin(frameType.reply, id);
  out.u8(metadata === undefined ? 0 : flag.metadata);
  out.u8(message.codec.number);
  writeRest(out, metadata, message, limits);
}

export type PeerLimits = Pick<Limits, 'message' | 'metadata'>;

function writeRest(out: Outbox, metadata: Buffer | undefined, message: EncodedMessage, limits: PeerLimits): void {
  try {
    if (metadata !== undefined) {
      out.u16(metadata.length);
      out.bytes(metadata);
    }
    writeContent(out, message.content, limits.message);
    out.end();
  } catch (error) {
    out.abandon();
    throw error;
  }
}

function writeContent(out: Outbox, content: string | Uint8Array, limit: number): void {
  // A text has no fewer bytes than characters: what is far too long is not written first.
  const size = content.length > limit || typeof content !== 'string' ? content.length : out.utf8(content);
  if (size > limit) throw tooLarge(typeof content === 'string' ? Buffer.byteLength(content) : size, limit);
  if (typeof content !== 'string') out.bytes(content);
}

/** Reads a CALL up to its message. Throws an RpcError for a call that cannot be served; the connection may live on. */
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
    attempt: buffer[start + 2]! || 1,
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
    reason: error.reason?.slice(0, 256),
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
  return new RpcError(isCode(facts.code) ? facts.code : 'UNKNOWN', textOr(facts.message, 'no message'), {
    reason: typeof facts.reason === 'string' ? facts.reason : undefined,
    mayHaveExecuted: facts.mayHaveExecuted === true,
    retryAfter: typeof facts.retryAfter === 'number' && facts.retryAfter >= 0 ? facts.retryAfter : undefined,
    stage,
  });
}

export function textOr(value: unknown, other: string): string {
  return typeof value === 'string' ? value : other;
}

/** A value that a codec cannot say. The sender's own mistake: on the server the handler's, on the client the caller's. */
export function unwritable(codec: string, cause: unknown): RpcError {
  const message = `the message cannot be written as ${codec}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return unsent('INVALID_ARGUMENT', message);
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
