import type { Layer, Reply } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';

/**
 * Starts no work that nobody waits for, and ends the wait for work that takes too long. The handler is told by its
 * signal; a handler that does not listen goes on, and keeps its place in the admission until it is done.
 * @param handlerTimeout the longest any call may take, ms, whatever its caller says; `Infinity` for no such bound
 */
export function deadline(clock: Clock, wheel: TimerWheel, handlerTimeout: number): Layer {
  return (next) => (call) => {
    const now = clock.now();
    if (call.deadline <= now) throw expired(false);
    const reply = next(call);
    if (!(reply instanceof Promise)) return reply;
    const until = Math.min(call.deadline, now + handlerTimeout);
    if (until === Number.POSITIVE_INFINITY) return reply;
    return new Promise<Reply>((resolve, reject) => {
      const timer = wheel.at(until, () => {
        const error = expired(true);
        call.cancel(error);
        reject(error);
      });
      reply.then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (error) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  };
}

function expired(started: boolean): RpcError {
  const message = started ? 'the handler did not finish in time' : 'the deadline had passed when the call came';
  return new RpcError('DEADLINE_EXCEEDED', message, { mayHaveExecuted: started });
}
