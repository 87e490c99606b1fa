import type { Layer } from '../core/call.ts';
import type { Metrics } from '../core/metrics.ts';
import { observe } from '../core/observe.ts';
import { deadline } from './deadline.ts';
import { type RetryParts, retry } from './retry.ts';

/** The order of the client's layers, the first outermost. Innermost, behind them all: `balance`, once for each attempt. */
export function clientStack(parts: RetryParts & { metrics: Metrics; isMethod: (name: string) => boolean }): Layer[] {
  const { clock, wheel, metrics, isMethod } = parts;
  return [
    // Outermost: it sees what the caller sees, however many attempts that took.
    observe(
      metrics,
      clock,
      'rpc_client_call_duration_seconds',
      'Duration of calls made, all attempts together',
      isMethod,
    ),
    // Above retry: one deadline for all attempts together.
    deadline(wheel),
    // Above balance: each attempt is a pick of its own.
    retry(parts),
  ];
}
