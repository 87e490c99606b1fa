import type { RpcError } from '../core/error.ts';

/**
 * Why a node is held to have failed.
 *
 * | cause | what happened |
 * |---|---|
 * | refused | no connection could be made |
 * | lost | the connection ended while an answer was awaited |
 * | timeout | silence until the deadline, and not because the deadline was tiny |
 * | overload | the node said that it is full |
 * | internal | the framework on the node, not its handler, went wrong |
 * | unhandled | the handler threw something that is not an RpcError |
 * | heartbeat | the node stopped answering PING |
 * | health | the node said by its functional check that it cannot do its work, or did not answer it in time |
 * | load | the node reported a load over a threshold |
 */
export type FaultCause =
  | 'refused'
  | 'lost'
  | 'timeout'
  | 'overload'
  | 'internal'
  | 'unhandled'
  | 'heartbeat'
  | 'health'
  | 'load';

export const faultCauses: readonly FaultCause[] = [
  'refused',
  'lost',
  'timeout',
  'overload',
  'internal',
  'unhandled',
  'heartbeat',
  'health',
  'load',
];

export function isFaultCause(cause: string): cause is FaultCause {
  return (faultCauses as readonly string[]).includes(cause);
}

/** What an attempt says about the node it was made on. `neutral` says nothing either way. */
export type Outcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'fault'; readonly cause: FaultCause }
  | { readonly kind: 'neutral' };

/** What is known of an attempt besides its error. */
export interface AttemptFacts {
  /** How long it took, from its own start, ms. */
  readonly waited: number;
  /** True if the node owes an answer to a PING. */
  readonly heartbeatOverdue: boolean;
  /** How much time the attempt had when it began, ms: the whole remaining deadline. */
  readonly timeout: number;
}

/** A deadline shorter than this says more about the caller than about the node, ms. */
const shortestTelling = 100;
/** The timer wheel's step, ms: a deadline may be noticed that much off. */
const slack = 10;

// One object each: this runs once per attempt.
const success: Outcome = { kind: 'success' };
export const neutral: Outcome = { kind: 'neutral' };
const faults = Object.fromEntries(faultCauses.map((cause) => [cause, { kind: 'fault', cause }])) as Readonly<
  Record<FaultCause, Outcome>
>;

/** Judges the node by one attempt. An answer is a success of the node, whatever the answer says. */
export function outcomeOf(error: RpcError | undefined, facts: AttemptFacts): Outcome {
  if (error === undefined) return success;
  switch (error.reason) {
    // A node that throws at once would otherwise look like the fastest of all.
    case 'UNHANDLED':
      return faults.unhandled;
    // Said by the admission or by a handler that sheds load itself: either way, less of it is wanted here.
    case 'OVERLOADED':
      return faults.overload;
    case 'PROTOCOL':
      return faults.internal;
  }
  // All below is what this side saw. A handler may pass on the error of a call of its own, reason and all: the loss of
  // a server behind the node is then the node's answer.
  if (error.stage === 'answered') return success;
  if (error.reason === 'CONNECT_FAILED') return faults.refused;
  // A call that finds its connection closing or gone was not sent: that the connection ended is a fact of its own, and
  // at a node that drains it is none.
  if (error.stage !== 'sent') return neutral;
  if (error.reason === 'CONNECTION_LOST') return faults.lost;
  if (error.code === 'INTERNAL') return faults.internal;
  if (error.code === 'DEADLINE_EXCEEDED' && silenceTells(facts)) return faults.timeout;
  return neutral;
}

function silenceTells({ waited, heartbeatOverdue, timeout }: AttemptFacts): boolean {
  return heartbeatOverdue || (timeout >= shortestTelling && waited >= timeout - slack);
}
