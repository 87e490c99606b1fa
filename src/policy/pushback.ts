import type { RpcError } from '../core/error.ts';

/**
 * The longest that a server's "not before" is obeyed, ms: as long as the longest pause before it is dialled again. A server
 * may put a client off, not away: one that says an hour, by a mistake or in bad faith, would else be lost to it.
 */
export const maxPushback = 2_000;

/**
 * How long the server that sent this error asked to be spared, ms; 0 if it did not ask. What a handler says in an answer of
 * another kind is about the caller (a quota is used up) or about a server behind it, and no reason to spare the node.
 */
export function pushback({ retryAfter, stage, reason }: RpcError): number {
  if (retryAfter === undefined || (stage === 'answered' && reason !== 'OVERLOADED')) return 0;
  return Math.min(maxPushback, Math.max(0, retryAfter));
}
