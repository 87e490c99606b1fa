import type { Layer } from '../core/call.ts';
import type { Metrics } from '../core/metrics.ts';
import { observe } from '../core/observe.ts';
import { type BreakerParts, breaking } from './breaker.ts';
import { deadline } from './deadline.ts';
import { type FallbackParts, fallBack } from './fallback.ts';
import { type RetryParts, retry } from './retry.ts';

/** The order of the client's layers, the first outermost. Innermost, behind them all: `balance`, once for each attempt. */
export function clientStack(
  parts: RetryParts & {
    metrics: Metrics;
    isMethod: (name: string) => boolean;
    /** Undefined where there is none: then it costs nothing either. */
    fallback: FallbackParts | undefined;
    breaker: BreakerParts | undefined;
  },
): Layer[] {
  const { clock, wheel, metrics, isMethod, fallback, breaker } = parts;
  return [
    // Outermost, above observe: callers are spared an outage, whoever watches the service is not.
    ...(fallback === undefined ? [] : [fallBack(fallback)]),
    // Above all that makes the call: it sees how the call ended, however many attempts that took.
    observe(
      metrics,
      clock,
      'rpc_client_call_duration_seconds',
      'Duration of calls made, all attempts together',
      isMethod,
    ),
    // Above retry: one deadline for all attempts together.
    deadline(wheel),
    // Above retry: it counts what failed in spite of all attempts. Below deadline: a call that came too late shows nothing.
    ...(breaker === undefined ? [] : [breaking(breaker)]),
    // Above balance: each attempt is a pick of its own.
    retry(parts),
  ];
}
