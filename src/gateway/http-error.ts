import type { Code } from '../core/code.ts';
import type { RpcError } from '../core/error.ts';

/** HTTP's words for our codes, as Connect has them: https://connectrpc.com/docs/protocol#error-codes */
const statuses: Record<Code, number> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

export function httpStatus(code: Code): number {
  return statuses[code];
}

/** The type of every answer to a call. fastify would add the charset to some of them: this way all are alike. */
export const jsonType = 'application/json; charset=utf-8';

/** The body of every answer that is an error. */
export function errorBody(error: RpcError): string {
  const { code, reason = null, message, mayHaveExecuted, attempts } = error;
  return JSON.stringify({ error: { code, reason, message, mayHaveExecuted, attempts } });
}

/** The error as the bytes of a whole answer, for a connection whose request could not be understood. It says that it closes. */
export function rawErrorAnswer(status: number, phrase: string, error: RpcError): string {
  const body = errorBody(error);
  return [
    `HTTP/1.1 ${status} ${phrase}`,
    `Content-Type: ${jsonType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
