import type { Clock } from '../../core/clock.ts';

/** The promise, but no longer than `ms`: then it rejects. What becomes of the promise afterwards is not heard any more. */
export function withDeadline<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.timer(ms, () => reject(new Error(`no answer within ${ms} ms`)));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
