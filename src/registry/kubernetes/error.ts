/** What @kubernetes/client-node and fetch throw -> a ClusterError with one sentence. Their own texts hold whole answers. */
import { ClusterError } from './cluster.ts';

/** What was asked, and whom. */
export interface Request {
  /** URL of the API server, undefined while it is not known. */
  server: string | undefined;
  namespace: string;
  verb: 'list' | 'watch';
}

export function toClusterError(error: unknown, request: Request): ClusterError {
  if (error instanceof ClusterError) return error;
  const status = statusOf(error);
  if (status === undefined) {
    return new ClusterError('failed', `${nameOf(request)} cannot be asked: ${reasonOf(error)}`, { cause: error });
  }
  return answered(status, bodyOf(error), request);
}

/** The server's own word against a request, or in the middle of a stream. @param body a Status object, if there is one */
export function answered(status: number, body: unknown, request: Request): ClusterError {
  const { message, details } = fields(body);
  const server = nameOf(request);
  const said = typeof message === 'string' && message !== '' ? `: ${oneLine(message)}` : '';
  if (status === 410 || causes(details).includes('ResourceVersionTooLarge')) {
    return new ClusterError('gone', `${server} does not have this version any more${said}`);
  }
  const deed = `${request.verb} endpointslices (discovery.k8s.io) in the namespace ${request.namespace}`;
  if (status === 401) {
    return new ClusterError(
      'unauthorized',
      `we cannot ${deed}: ${server} does not take our token or certificate${said}`,
    );
  }
  if (status === 403) {
    return new ClusterError(
      'forbidden',
      `we may not ${deed}: our service account (in a pod) or user needs a Role in that namespace that allows to ` +
        `list and watch them, and a RoleBinding to it${said}`,
    );
  }
  if (status === 404) {
    return new ClusterError('failed', `we cannot ${deed}: ${server} has none: is it Kubernetes 1.21 or newer?${said}`);
  }
  return new ClusterError('failed', `${server} answered ${status}${said}`);
}

function nameOf({ server }: Request): string {
  return server === undefined ? 'the API server' : `the API server ${server}`;
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
