import type { RpcError } from '../core/error.ts';
import type { BreakerState } from '../policy/breaker.ts';
import type { ReturnCause } from '../policy/fleet.ts';
import type { FaultCause } from '../policy/outcome.ts';
import type { WeightChange } from '../policy/weight-change.ts';
import type { Notice } from './notice.ts';

/** What a client tells whoever listens (`client.on`). */
export interface ClientEvents {
  /** A node's weight changed, with the reason. */
  weight: WeightChange;
  /** A node is forgotten. */
  left: { id: string };
  /** A node's `health` said that it cannot do its work, or was late. `why` is what it said. */
  'health-failed': { id: string; why: string };
  /**
   * A node failed for real and gets no calls, for so many ms at most; then one probe call decides. `probe`: it failed again.
   * `attempt`: the one that showed it, in a sentence, where one did.
   */
  suspended: { id: string; cause: FaultCause | 'probe'; for: number; attempt?: string };
  /** A suspended node gets calls again. */
  returned: { id: string; cause: ReturnCause };
  /** The calls go to servers of another tier: 0 preferred primaries, 1 other primaries, 2 and 3 backups. */
  tier: { tier: number; why: string };
  /** Every node looks bad, so that picks are even among all; or no longer. */
  panic: { on: boolean };
  /** The registry cannot be read; the servers last known are used on. */
  'registry-stale': { cause: string };
  /** The registry can be read again. `for`: how long it could not, ms. */
  'registry-known': { for: number };
  /** A call was not sent again because there were too many retries. */
  'budget-empty': { method: string };
  /** Calls of a method are not made any more, one is made as a trial, or they are made again. */
  breaker: BreakerEvent;
  /** The service failed a call for good, and the caller got the fallback. */
  fallback: { method: string; error: RpcError };
  /**
   * Something that an operator should hear of, once for each episode and not for each call: what the events from `suspended`
   * on tell, as JSON can carry it. The log says the same; `webhook` sends it on.
   */
  notice: Notice;
}

export type BreakerEvent =
  /** `for`: until the trial, ms. `cause`: how the last call failed. */
  | { readonly method: string; readonly state: 'open'; readonly cause: string; readonly for: number }
  | { readonly method: string; readonly state: 'half-open'; readonly cause: string }
  | { readonly method: string; readonly state: 'closed' };

export function breakerEvent(method: string, state: BreakerState, now: number): BreakerEvent {
  if (state.name === 'closed') return { method, state: state.name };
  const { name, cause, until } = state;
  return name === 'open' ? { method, state: name, cause, for: Math.ceil(until - now) } : { method, state: name, cause };
}
