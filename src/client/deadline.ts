import type { Layer, Reply } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';

/** Ends the wait when the time is up, whatever the tries below are doing. */
export function deadline(wheel: TimerWheel): Layer {
  return (next) => (call) => {
    if (call.deadline <= call.since) {
      throw new RpcError('DEADLINE_EXCEEDED', 'the deadline had passed before the call was made', { stage: 'unsent' });
    }
    const timer = wheel.at(call.deadline, () => {
      call.cancel(
        new RpcError('DEADLINE_EXCEEDED', 'no answer within the deadline', { stage: 'sent', mayHaveExecuted: false }),
      );
    });
    const reply = next(call);
    if (!(reply instanceof Promise)) {
      timer.cancel();
      return reply;
    }
    return reply.then(
      (value: Reply) => {
        timer.cancel();
        return value;
      },
      (error: unknown) => {
        timer.cancel();
        throw error;
      },
    );
  };
}
