import type { Layer } from '../core/call.ts';
import type { Clock } from '../core/clock.ts';
import type { Metrics } from '../core/metrics.ts';
import { observe } from '../core/observe.ts';
import type { TimerWheel } from '../core/timer-wheel.ts';
import type { Admission } from './admission.ts';
import { deadline } from './deadline.ts';

/** The order of the server's layers, the first outermost. Innermost, behind them all: `dispatch`. */
export function serverStack(parts: {
  clock: Clock;
  wheel: TimerWheel;
  metrics: Metrics;
  admission: Admission;
  handlerTimeout: number;
  isMethod: (name: string) => boolean;
}): Layer[] {
  const { clock, wheel, metrics, admission, handlerTimeout, isMethod } = parts;
  return [
    // Outermost: it must see what every other layer answers, the refusals too.
    observe(metrics, clock, 'rpc_server_call_duration_seconds', 'Duration of calls served', isMethod),
    // Above admission: it covers the time in the queue, and may answer before the handler ends.
    deadline(clock, wheel, handlerTimeout),
    // Innermost: a call keeps its place until its handler has really ended, whoever still waits for it.
    admission.layer,
  ];
}
