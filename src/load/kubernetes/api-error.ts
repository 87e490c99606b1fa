import { ApiError } from './api.ts';
import type { Kind } from './objects.ts';

/** What was asked for, in the words of a Role. */
export interface Asked {
  verb: 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';
  kind: Kind;
  /** `eviction`, `exec` */
  sub?: string | undefined;
  name?: string | undefined;
  namespace: string;
}

/** `deployments.apps`, `pods/exec` */
export function resourceOf({ group, plural }: Kind, sub?: string): string {
  return `${plural}${sub === undefined ? '' : `/${sub}`}${group === '' ? '' : `.${group}`}`;
}

/** `in the namespace demo`, or `cluster-wide` */
export function placeOf(kind: Kind, namespace: string): string {
  return kind.clusterWide ? 'cluster-wide' : `in the namespace ${namespace}`;
}

/** The API server answered, but not what was hoped for. @param body a Status object, if it is one */
export function refused(server: string, status: number, body: unknown, asked: Asked, retryAfter?: number): ApiError {
  const facts = { status, ...(retryAfter !== undefined && { retryAfter }) };
  return new ApiError(sentence(server, status, saidIn(body), asked), facts);
}

function sentence(server: string, status: number, said: string, asked: Asked): string {
  const { verb, kind, sub, name, namespace } = asked;
  const deed = `${verb} ${resourceOf(kind, sub)} ${placeOf(kind, namespace)}`;
  const because = said === '' ? '' : `: ${said}`;
  switch (status) {
    case 401:
      return `the API server ${server} does not take our token or certificate${because}`;
    case 403:
      // It has other words for what a quota or an admission webhook forbids.
      if (!/cannot|RBAC/.test(said) && said !== '') return `the API server does not let us ${deed}${because}`;
      return `we may not ${deed}: our service account (in a pod) or user needs a ${kind.clusterWide ? 'ClusterRole' : 'Role'} that allows it${because}`;
    case 404:
      if (name !== undefined) return `there is no ${name} among the ${kind.plural} ${placeOf(kind, namespace)}`;
      return `the API server ${server} has no ${resourceOf(kind)} in version ${kind.version}: is it Kubernetes 1.30 or newer?`;
    default:
      return `the API server ${server} answered ${status} when we asked to ${deed}${because}`;
  }
}

/** There was no answer. */
export function unanswered(server: string | undefined, cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  const where = server === undefined ? 'the API server' : `the API server ${server}`;
  return new ApiError(`${where} cannot be reached: ${reasonOf(cause)}`, {}, { cause });
}

/** The innermost text: fetch itself says only that it failed. */
export function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  // Several addresses were tried, and each has its own reason.
  if (inner instanceof AggregateError) inner = inner.errors[0];
  const { message, code } = (inner ?? {}) as { message?: unknown; code?: unknown };
  const text =
    typeof message === 'string' && message !== '' ? message : typeof code === 'string' ? code : String(inner);
  // A header that cannot be sent is quoted.
  return oneLine(text).replace(/\b(Bearer|Basic) .*/i, '$1 ...');
}

function saidIn(body: unknown): string {
  const { message } = (typeof body === 'object' && body !== null ? body : {}) as { message?: unknown };
  return typeof message === 'string' ? oneLine(message) : '';
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 500);
}
