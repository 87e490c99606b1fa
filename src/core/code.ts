/** gRPC's sixteen error codes, by name: https://grpc.github.io/grpc/core/md_doc_statuscodes.html. There are no others. */
export const codes = [
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type Code = (typeof codes)[number];

const known: ReadonlySet<string> = new Set(codes);

export function isCode(text: unknown): text is Code {
  return typeof text === 'string' && known.has(text);
}

/**
 * What the framework adds to a code, to tell apart what the code alone does not. A handler may use words of its own.
 *
 * | reason | under | means |
 * |---|---|---|
 * | OVERLOADED | RESOURCE_EXHAUSTED | the server is full; another may not be |
 * | TOO_LARGE | RESOURCE_EXHAUSTED | a message is over a limit |
 * | REFUSED | UNAVAILABLE | the server did not start the call |
 * | DRAINING | UNAVAILABLE | the same, because it is going away |
 * | CONNECTION_LOST | UNAVAILABLE | the connection ended while the answer was awaited |
 * | CONNECT_FAILED | UNAVAILABLE | no connection could be made |
 * | STALE | UNAVAILABLE | another server answers at the address |
 * | NO_NODES | UNAVAILABLE | no node could be reached in time |
 * | NOT_IDEMPOTENT | FAILED_PRECONDITION | the caller wanted to call idempotent methods only: this is not known to be one |
 * | UNHEALTHY | UNAVAILABLE | the answer to `health`: the service cannot do its work |
 * | CIRCUIT_OPEN | UNAVAILABLE | nearly all calls of the method failed lately: this one was not made |
 * | FALLBACK_FAILED | INTERNAL | the caller's own fallback threw; what it was to stand in for is the cause |
 * | UNHANDLED | INTERNAL | the handler threw something that is not an RpcError |
 * | PROTOCOL | INTERNAL | the peer broke the protocol |
 */
export type Reason =
  | 'OVERLOADED'
  | 'TOO_LARGE'
  | 'REFUSED'
  | 'DRAINING'
  | 'CONNECTION_LOST'
  | 'CONNECT_FAILED'
  | 'STALE'
  | 'NO_NODES'
  | 'NOT_IDEMPOTENT'
  | 'UNHEALTHY'
  | 'CIRCUIT_OPEN'
  | 'FALLBACK_FAILED'
  | 'UNHANDLED'
  | 'PROTOCOL'
  | (string & {});
