import type { Call, Layer, Metadata, Reply } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';
import { mayFallBack } from '../policy/call-end.ts';
import { givenUp } from './breaker.ts';

export interface FallbackParts {
  clock: Clock;
  wheel: TimerWheel;
  /** By method: what stands in for its output, or the function that makes it. */
  fallbacks: Readonly<Record<string, unknown>>;
  onFallback(method: string, error: RpcError): void;
}

/** Metadata key of a reply that is a fallback: the error that it stands in for. */
export const fallbackHeader = 'evenkeel-fallback';

/** A fallback may take what is left of the call's time, and at least this, ms: a call that used up its time has none left. */
const leastTime = 1_000;

/** Where the service fails a call for good, answers with what the user has given for that case. */
export function fallBack(parts: FallbackParts): Layer {
  const { fallbacks, onFallback } = parts;
  return (next) => (call) => {
    const { method } = call;
    if (!Object.hasOwn(fallbacks, method)) return next(call);
    return (async (): Promise<Reply> => {
      try {
        return await next(call);
      } catch (thrown) {
        const error = RpcError.from(thrown).of(call.service, method);
        if (!mayFallBack(error, givenUp(call))) throw error;
        const output = await make(fallbacks[method], call, error, parts);
        onFallback(method, error);
        return { output, metadata: metadataOf(error), attempts: error.attempts.length };
      }
    })();
  };
}

async function make(fallback: unknown, call: Call, error: RpcError, parts: FallbackParts): Promise<unknown> {
  if (typeof fallback !== 'function') return fallback;
  try {
    const output: unknown = fallback(call.input, error);
    return isPromise(output) ? await inTime(output, call, parts) : output;
  } catch (thrown) {
    throw thrown === error ? error : failedToo(call, thrown, error);
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

/** The output, unless it takes too long or the caller does not want it any more. */
function inTime(output: PromiseLike<unknown>, call: Call, { clock, wheel }: FallbackParts): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const until = Math.max(call.deadline, clock.now() + leastTime);
    const timer = wheel.at(until, () => end(() => reject(new Error('it did not end in time'))));
    const onCancel = (cause: RpcError) => end(() => reject(cause));
    const end = (settle: () => void) => {
      timer.cancel();
      call.offCancel(onCancel);
      settle();
    };
    // One that was cancelled has run out of time, or it would have no fallback.
    if (call.cancelled === undefined) call.onCancel(onCancel);
    output.then(
      (value) => end(() => resolve(value)),
      (thrown) => end(() => reject(thrown)),
    );
  });
}

/** The caller hears of the fallback's error, and by its cause of the one that it was to stand in for. */
function failedToo({ service, method }: Call, thrown: unknown, error: RpcError): RpcError {
  const { attempts, mayHaveExecuted, stage } = error;
  const facts = { cause: error, attempts, mayHaveExecuted, stage };
  if (RpcError.is(thrown)) return new RpcError(thrown.code, thrown.message, { ...facts, reason: thrown.reason });
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  const failed = new RpcError('INTERNAL', `the fallback of "${method}" failed: ${why}`, {
    ...facts,
    reason: 'FALLBACK_FAILED',
    service,
    method,
  });
  // Where it was thrown is what its author looks for.
  if (thrown instanceof Error && thrown.stack !== undefined) failed.stack = thrown.stack;
  return failed;
}

function metadataOf(error: RpcError): Metadata {
  return Object.assign(Object.create(null), { [fallbackHeader]: error.label });
}
