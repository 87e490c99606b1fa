/**
 * What an error that a client threw says of its node.
 *
 * | kind | what happened | the node | sent again |
 * |---|---|---|---|
 * | `answer` | the node answered, in the form of an error | is well | never |
 * | `unsent` | the work never left: no connection could be made | is at fault | always |
 * | `lost` | the connection ended under it; it may have been done | is at fault | if idempotent |
 * | `dead` | as `lost`, and this client will not connect again by itself: it is closed and a new one made | is at fault | if idempotent |
 * | `overload` | the node was too busy and did nothing | is at fault | if attempts are left |
 */
export type ErrorKind = (typeof errorKinds)[number];

export const errorKinds = ['answer', 'unsent', 'lost', 'dead', 'overload'] as const;

/** Codes of Node's own, libuv's and undici's errors. */
const unsent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const lost = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);

/** How deep causes are looked into: errors wrap each other, and may do so in a circle. */
const deepest = 8;

/** Judges by the error's `code`, or that of its causes. What has none of the known codes is an answer. */
export function classifyByCode(error: unknown): ErrorKind {
  let at = error;
  for (let depth = 0; depth < deepest && typeof at === 'object' && at !== null; depth++) {
    const { code, cause } = at as { code?: unknown; cause?: unknown };
    if (unsent.has(code as string)) return 'unsent';
    if (lost.has(code as string)) return 'lost';
    at = cause;
  }
  return 'answer';
}
