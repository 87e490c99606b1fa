import { RpcError } from '../../core/error.ts';
import type { Load } from '../connection.ts';

/** An answer was there, so the call has run; what it said is lost. */
export function unreadable(cause: RpcError): RpcError {
  const options = { cause, mayHaveExecuted: true };
  return cause.reason === 'TOO_LARGE'
    ? new RpcError('RESOURCE_EXHAUSTED', `the answer: ${cause.message}`, { ...options, reason: 'TOO_LARGE' })
    : new RpcError('INTERNAL', `the answer cannot be read: ${cause.message}`, { ...options, reason: 'PROTOCOL' });
}

/** Load is a hint: what cannot be read is none. */
export function readLoad(buffer: Buffer, start: number, end: number): Load | undefined {
  try {
    const { inFlight, queued } = JSON.parse(buffer.toString('utf8', start, end)) ?? {};
    return { inFlight: countOr0(inFlight), queued: countOr0(queued) };
  } catch {
    return undefined;
  }
}

function countOr0(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}
