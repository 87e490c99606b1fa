import { RpcError } from '../../core/error.ts';
import type { ReportedLoad } from '../../core/load.ts';

/** An answer was there, so the call has run; what it said is lost. */
export function unreadable(cause: RpcError): RpcError {
  const options = { cause, mayHaveExecuted: true };
  return cause.reason === 'TOO_LARGE'
    ? new RpcError('RESOURCE_EXHAUSTED', `the answer: ${cause.message}`, { ...options, reason: 'TOO_LARGE' })
    : new RpcError('INTERNAL', `the answer cannot be read: ${cause.message}`, { ...options, reason: 'PROTOCOL' });
}

/** Reads a PONG that came in at `at`. Load is a hint: what cannot be read is not said. */
export function readLoad(buffer: Buffer, start: number, end: number, at: number): ReportedLoad | undefined {
  try {
    const { inFlight, queued, cpu, cores, eventLoopDelay, memory } =
      JSON.parse(buffer.toString('utf8', start, end)) ?? {};
    return {
      at,
      inFlight: countOr0(inFlight),
      queued: countOr0(queued),
      cpu: amount(cpu),
      cores: cores > 0 ? amount(cores) : undefined,
      eventLoopDelay: amount(eventLoopDelay),
      memory: amount(memory),
    };
  } catch {
    return undefined;
  }
}

function countOr0(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}

function amount(value: unknown): number | undefined {
  return Number.isFinite(value) && (value as number) >= 0 ? (value as number) : undefined;
}
