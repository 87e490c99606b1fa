import type { ReturnCause } from '../policy/fleet.ts';
import type { FaultCause } from '../policy/outcome.ts';
import type { WeightChange } from '../policy/weight-change.ts';

/** What a client tells whoever listens (`client.on`). */
export interface ClientEvents {
  /** A node's weight changed, with the reason. */
  weight: WeightChange;
  /** A node is forgotten. */
  left: { id: string };
  /** A node failed for real and gets no calls, for so many ms at most; then one probe call decides. `probe`: it failed again. */
  suspended: { id: string; cause: FaultCause | 'probe'; for: number };
  /** A suspended node gets calls again. */
  returned: { id: string; cause: ReturnCause };
  /** Every node looks bad, so that picks are even among all; or no longer. */
  panic: { on: boolean };
  /** The registry cannot be read; the servers last known are used on. */
  'registry-stale': { cause: string };
  /** A call was not sent again because there were too many retries. */
  'budget-empty': { method: string };
}
