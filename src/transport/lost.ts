import { RpcError } from '../core/error.ts';

/** What becomes of a call when its connection takes none any more: it was not sent. */
export function notOpen(peer: string, state: string): RpcError {
  return new RpcError('UNAVAILABLE', `the connection to ${peer} is ${state}`, {
    reason: 'CONNECTION_LOST',
    stage: 'unsent',
  });
}

/** The connection ended. */
export function lost(why: string, cause?: unknown): RpcError {
  return new RpcError('UNAVAILABLE', `the connection was lost: ${why}`, {
    reason: 'CONNECTION_LOST',
    stage: 'sent',
    cause,
  });
}

/** The server did what the protocol does not allow: nothing that it says from here on can be trusted. */
export function brokenProtocol(what: string, cause?: unknown): RpcError {
  return new RpcError('INTERNAL', `the server broke the protocol: ${what}`, {
    reason: 'PROTOCOL',
    stage: 'sent',
    cause,
  });
}

/** Why a connection ended, by what ended it: an error of ours as it is, one of the stream, or nothing: the peer ended it. */
export function whyLost(cause: Error | undefined): RpcError {
  if (cause === undefined) return lost('the server closed it');
  return RpcError.is(cause) ? cause : lost(cause.message, cause);
}
