import type { BalancerName, BalancerOptions } from './balance/index.ts';
import type { FaultCause, Outcome } from './outcome.ts';
import type { SuspensionOptions } from './suspension-options.ts';
import type { Tiered } from './tiers.ts';
import type { TierChange } from './tiers-change.ts';
import type { TierOptions } from './tiers-options.ts';
import type { WeightChange } from './weight-change.ts';
import type { WeightOptions } from './weight-options.ts';

/** A node of a fleet. The fleet keeps the fields that can be written; the owner sees to the others. */
export interface Member extends Tiered {
  weight: number;
  healthy: boolean;
}

export interface FleetOptions {
  /** How weights fall and come back. */
  weights?: Partial<WeightOptions> | undefined;
  /** When a node goes to the failed list. */
  suspension?: Partial<SuspensionOptions> | undefined;
  /** How a node is chosen. Default `p2c`. */
  balancer?: BalancerName | undefined;
  balancerOptions?: Partial<BalancerOptions> | undefined;
  /** When calls go over to the next tier, and back. */
  tiers?: Partial<TierOptions> | undefined;
  /** Whether all calls go to one member until it fails. Default false. */
  sticky?: boolean | undefined;
}

/** Why a member that was suspended gets calls again. */
export type ReturnCause = 'probe' | 'too-few-left' | 'panic';

/** Why a weight does not rise: a check of `health` failed last, or the member says that it has too much to do. */
export type HoldReason = 'health' | 'load';

/** What keeps a member from calls besides its weight. */
export interface Restraints {
  readonly held: readonly HoldReason[];
  /** Until when it asked to be spared, on the clock of `now`, ms. */
  readonly sparedUntil: number | undefined;
  /** It has answered nothing for so many attempts that others are asked first. */
  readonly stands: boolean;
}

export interface FleetEvents<M> {
  onWeight(member: M, change: WeightChange): void;
  /** @param until when it is probed at the latest, on the clock of `now`, ms */
  onSuspended(member: M, cause: FaultCause | 'probe', until: number): void;
  onReturned(member: M, cause: ReturnCause): void;
  /** Every member looks bad, so that picks are even among all; or no longer. */
  onPanic(on: boolean): void;
  /** The calls go to another tier. */
  onTier(change: TierChange): void;
}

/** How an attempt on a member ended. */
export interface Ended {
  readonly outcome: Outcome;
  /** True if the member sent an answer of whatever kind: it does not stand still. */
  readonly answered: boolean;
  readonly startedAt: number;
  readonly now: number;
  /** Kept with a change of weight, for people. */
  readonly attempt?: string;
}
