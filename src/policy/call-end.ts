import type { RpcError } from '../core/error.ts';

/**
 * What the end of a call, all its attempts together, says of the service.
 *
 * | end | what it says |
 * |---|---|
 * | answered | it is there and answers, whatever it says |
 * | failed | it did not do what it is there for, and that is its own fault |
 * | unreachable | the call waited for a server in vain |
 * | unknown | nothing: the caller gave up, left too little time, or sent what cannot be sent |
 */
export type CallEnd = 'answered' | 'failed' | 'unreachable' | 'unknown';

/** What is known of a call besides its error. */
export interface CallFacts {
  /** How long it took, ms. */
  readonly waited: number;
  /** How much time it had, ms. */
  readonly timeout: number;
  /** True if the caller cancelled it. */
  readonly givenUp: boolean;
}

/** A deadline shorter than this says more about the caller than about the service, ms. */
const shortestTelling = 100;
/** Calls that wait for a server end this long before their deadline, so that they can say why; the timer wheel is coarse, ms. */
const slack = 30;

/** Judges the service by a call that failed for good. */
export function callEnd(error: RpcError, { waited, timeout, givenUp }: CallFacts): CallEnd {
  if (givenUp) return 'unknown';
  switch (error.reason) {
    // Said in an answer, but not by a handler that knew what it said; and a server that sheds load is full.
    case 'UNHANDLED':
    case 'OVERLOADED':
    case 'PROTOCOL':
      return 'failed';
  }
  // The server may say so a moment before our own clock does: silence it was, either way.
  if (error.code === 'DEADLINE_EXCEEDED' && waited >= timeout - slack) return timeoutTells(timeout, 'failed');
  if (error.stage === 'answered') return 'answered';
  if (error.reason === 'NO_NODES') return timeoutTells(timeout, 'unreachable');
  return error.code === 'UNAVAILABLE' || error.code === 'INTERNAL' ? 'failed' : 'unknown';
}

function timeoutTells(timeout: number, end: CallEnd): CallEnd {
  return timeout >= shortestTelling ? end : 'unknown';
}

/** The codes with which a service says, or shows, that it cannot do what it is there for. */
const ofTheService: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL']);

/**
 * True if a fallback may stand in for the answer: the service is what failed the call, be it that its own handler says so.
 * Never for an error that the caller is to see: a wrong input, a missing right, a thing not found.
 */
export function mayFallBack(error: RpcError, givenUp: boolean): boolean {
  return !givenUp && (ofTheService.has(error.code) || error.reason === 'OVERLOADED');
}
