import type { WeightChange } from '../policy/weight-change.ts';

/** What a client tells whoever listens (`client.on`). */
export interface ClientEvents {
  /** A node's weight changed, with the reason. */
  weight: WeightChange;
  /** A node is forgotten. */
  left: { id: string };
  /** Every node looks bad, so that picks are even among all; or no longer. */
  panic: { on: boolean };
  /** The registry cannot be read; the servers last known are used on. */
  'registry-stale': { cause: string };
  /** A call was not sent again because there were too many retries. */
  'budget-empty': { method: string };
}
