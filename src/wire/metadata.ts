import type { Metadata } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import { guardJson } from './json-guard.ts';

const keyPattern = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/** Metadata on the wire: a JSON object whose values are texts. Throws RESOURCE_EXHAUSTED, TOO_LARGE over the limit. */
export function encodeMetadata(metadata: Metadata, limit: number): Buffer {
  const bytes = Buffer.from(JSON.stringify(metadata));
  if (bytes.length > limit) {
    throw new RpcError('RESOURCE_EXHAUSTED', `metadata of ${bytes.length} bytes: at most ${limit} are taken`, {
      reason: 'TOO_LARGE',
      stage: 'unsent',
    });
  }
  return bytes;
}

/** Reads `buffer[start..end)` into an object without a prototype. Throws INVALID_ARGUMENT for anything but texts. */
export function decodeMetadata(buffer: Buffer, start: number, end: number, limit: number): Metadata {
  if (end - start > limit) {
    throw new RpcError('RESOURCE_EXHAUSTED', `metadata of ${end - start} bytes: at most ${limit} are taken`, {
      reason: 'TOO_LARGE',
    });
  }
  guardJson(buffer, start, end, 1);
  let parsed: unknown;
  try {
    parsed = JSON.parse(buffer.toString('utf8', start, end));
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', 'metadata is not valid JSON', { cause });
  }
  return checkMetadata(parsed);
}

/** Metadata as it may be sent: a copy without a prototype. Throws INVALID_ARGUMENT and names what is wrong. */
export function checkMetadata(given: unknown): Metadata {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new RpcError('INVALID_ARGUMENT', 'metadata is no object of texts', { stage: 'unsent' });
  }
  const metadata: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(given)) {
    if (!keyPattern.test(key)) {
      throw new RpcError('INVALID_ARGUMENT', `metadata key ${JSON.stringify(key)}: expected ${keyPattern}`, {
        stage: 'unsent',
      });
    }
    if (typeof value !== 'string' || /[\r\n\0]/.test(value)) {
      throw new RpcError('INVALID_ARGUMENT', `metadata "${key}" is no text of one line`, { stage: 'unsent' });
    }
    metadata[key] = value;
  }
  return metadata;
}
