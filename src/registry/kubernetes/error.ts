/** What @kubernetes/client-node and fetch throw -> a ClusterError with one sentence. Their own texts hold whole answers. */
import { ClusterError } from './cluster.ts';

export interface Where {
  /** URL of the API server. */
  server: string;
  namespace: string;
}

export function toClusterError(error: unknown, { server, namespace }: Where): ClusterError {
  if (error instanceof ClusterError) return error;
  const status = statusOf(error);
  if (status === undefined) {
    return new ClusterError('failed', `the API server ${server} cannot be asked: ${reasonOf(error)}`, { cause: error });
  }
  return answered(status, bodyOf(error), { server, namespace });
}

/** The server's own word against a request, or in the middle of a stream. @param body a Status object, if there is one */
export function answered(status: number, body: unknown, { server, namespace }: Where): ClusterError {
  const { message, details } = fields(body);
  const said = typeof message === 'string' && message !== '' ? `: ${oneLine(message)}` : '';
  if (status === 410 || causes(details).includes('ResourceVersionTooLarge')) {
    return new ClusterError('gone', `the API server ${server} does not have this version any more${said}`);
  }
  if (status === 401) {
    return new ClusterError('unauthorized', `the API server ${server} does not take our token or certificate${said}`);
  }
  if (status === 403) {
    return new ClusterError(
      'forbidden',
      `we may not get, list and watch endpointslices (discovery.k8s.io) in the namespace ${namespace}: ` +
        `the pod's service account needs a Role that allows it${said}`,
    );
  }
  return new ClusterError('failed', `the API server ${server} answered ${status}${said}`);
}

/** A generated call says `code`, a watch `statusCode`. */
function statusOf(error: unknown): number | undefined {
  const { code, statusCode } = fields(error);
  return [code, statusCode].find((value) => typeof value === 'number');
}

function bodyOf(error: unknown): unknown {
  const { body } = fields(error);
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** The innermost text: fetch itself says only that it failed. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const { message, code } = fields(inner);
  const text = typeof message === 'string' && message !== '' ? message : code;
  // A header that cannot be sent is quoted.
  return oneLine(typeof text === 'string' ? text : String(inner)).replace(/\b(Bearer|Basic) .*/i, '$1 ...');
}

function causes(details: unknown): unknown[] {
  const { causes } = fields(details);
  return Array.isArray(causes) ? causes.map((cause) => fields(cause).reason) : [];
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 500);
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
