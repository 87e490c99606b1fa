import type { FaultCause } from './outcome.ts';

/**
 * Why a weight changed: a fault lowered it; a success or time without a fault raised it; a newcomer's slow start went on;
 * the node announced another base weight, or is new.
 */
export type ChangeCause = FaultCause | 'success' | 'time' | 'slow-start' | 'announced' | 'joined';

/** One change of one node's weight, with its reason: for logs, metrics, `nodes` and the live page. */
export interface WeightChange {
  readonly id: string;
  /** When, on the clock that `now` came from, ms. */
  readonly at: number;
  /** The effective weight before. 0 for a newcomer. */
  readonly from: number;
  /** The effective weight after. */
  readonly to: number;
  readonly cause: ChangeCause;
  /** The attempt that showed it, in the caller's words. */
  readonly attempt?: string;
}
