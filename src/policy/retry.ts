import type { RpcError } from '../core/error.ts';
import type { Random } from '../core/random.ts';
import { backoff } from './backoff.ts';
import { pushback } from './pushback.ts';

/** Why a call is not sent again. Its error stands. */
export type RetryRefusal =
  /** The server answered: its answer counts. */
  | 'answered'
  /** It may have run, and running it twice might do harm. */
  | 'not-repeatable'
  /** It was sent as often as allowed. */
  | 'attempts'
  /** Too many retries for the calls there were: more would multiply an outage. */
  | 'budget'
  /** No time is left, or not enough for the pause before the next attempt. */
  | 'deadline'
  /** Two connections were lost under it: it may be what kills them. */
  | 'losses'
  /** It may have run, and a caller further up retries already. */
  | 'chain'
  /** No node would do better: the caller cancelled, no node could be reached, or the message is at fault. */
  | 'final';

export type RetryDecision =
  | {
      readonly again: true;
      /** True if it was taken from the budget. */
      readonly charged: boolean;
      /** How long to wait first, ms. */
      readonly after: number;
    }
  | { readonly again: false; readonly because: RetryRefusal };

export interface RetryFacts {
  /** How the last attempt ended. */
  readonly error: RpcError;
  /** Attempts made so far. */
  readonly attempts: number;
  /** Of them, those that never left (stage `unsent`): they do not count towards `maxAttempts`. Default 0. */
  readonly unsent?: number;
  /** How many attempts may reach a node. */
  readonly maxAttempts: number;
  /** True if the call may run twice: the method is idempotent, or the call has a key. */
  readonly repeatable: boolean;
  /** True if the call is itself a repeated attempt of a caller further up. */
  readonly chained: boolean;
  /** Attempts that ended with their connection, the last one included. */
  readonly connectionLosses: number;
  /** Refusals that were repeated free of charge, the last one not included. */
  readonly refusals: number;
  readonly now: number;
  /** When the caller stops waiting, on the clock of `now`. */
  readonly deadline: number;
  /** True if there is a node that was not tried yet. */
  readonly untried: boolean;
}

/** After so many lost connections a call is not sent again: a call that kills servers must not walk the fleet. */
export const maxConnectionLosses = 2;
/** How long to wait before a node is tried a second time, ms. */
const pause = { base: 25, max: 100 };
/** The codes with which this side says that a node, not the call, is in the way. */
const elsewhereMayHelp: ReadonlySet<string> = new Set(['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'INTERNAL']);

const refusal = (because: RetryRefusal): RetryDecision => ({ again: false, because });

/**
 * Whether a failed call is sent again. What decides is how far it got (`RpcError.stage`):
 *
 * | it was | again | from the budget |
 * |---|---|---|
 * | not sent | until the deadline | no |
 * | refused | if attempts are left; the first time in any case | after the first time; OVERLOADED always |
 * | sent, without an answer | if repeatable and attempts are left; not if a caller further up retries | yes |
 * | answered | never | |
 *
 * @param withdraw takes a retry from the budget. Asked last, and only when nothing else speaks against it.
 */
export function decideRetry(facts: RetryFacts, withdraw: () => boolean, random: Random): RetryDecision {
  const because = objection(facts);
  if (because !== undefined) return refusal(because);
  const after = waitFor(facts, random);
  if (facts.now + after >= facts.deadline) return refusal('deadline');
  const charged = !isFree(facts);
  if (charged && !withdraw()) return refusal('budget');
  return { again: true, charged, after };
}

/** What speaks against it, time and budget aside. */
function objection(facts: RetryFacts): RetryRefusal | undefined {
  const { error, connectionLosses } = facts;
  if (error.stage === 'answered') return 'answered';
  if (error.code === 'DEADLINE_EXCEEDED') return 'deadline';
  if (!elsewhereMayHelp.has(error.code) || error.reason === 'NO_NODES' || error.reason === 'TOO_LARGE') return 'final';
  if (error.stage === 'sent' && !facts.repeatable) return 'not-repeatable';
  if (error.stage === 'sent' && facts.chained) return 'chain';
  if (connectionLosses >= maxConnectionLosses) return 'losses';
  if (!isFree(facts) && facts.attempts - (facts.unsent ?? 0) >= facts.maxAttempts) return 'attempts';
  return undefined;
}

/** True for what costs the servers nothing: it was not sent, or refused for the first time by one that is not full. */
function isFree({ error, refusals }: RetryFacts): boolean {
  if (error.stage === 'unsent') return true;
  return error.stage === 'refused' && refusals === 0 && error.reason !== 'OVERLOADED';
}

function waitFor({ error, attempts, untried }: RetryFacts, random: Random): number {
  if (untried) return 0;
  return Math.max(pushback(error), backoff(attempts, pause, random));
}
