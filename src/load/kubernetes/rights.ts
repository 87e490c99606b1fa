import type { Api } from './api.ts';
import { type Asked, placeOf, resourceOf } from './api-error.ts';
import type { Kind } from './objects.ts';

/** A right as a Role gives it. */
export interface Right {
  verb: Asked['verb'];
  kind: Kind;
  sub?: string;
  /** The object that it is about, of which a Role may allow it alone. Default: any. */
  of?: 'server' | 'gateway' | 'zookeeper' | 'member' | 'autoscaler';
}

const reviews: Kind = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  clusterWide: true,
};

/** Which of these rights we have not. @param nameOf name of an object of the release; undefined where there is none */
export async function missingRights(
  api: Api,
  rights: readonly Right[],
  nameOf: (object: NonNullable<Right['of']>) => string | undefined,
): Promise<ReadonlySet<Right>> {
  const missing = await Promise.all(
    rights.map(async (right) => ((await isAllowed(api, right, right.of && nameOf(right.of))) ? [] : [right])),
  );
  return new Set(missing.flat());
}

/** `patch deployments.apps in the namespace demo` */
export function inWords(api: Api, { verb, kind, sub }: Right): string {
  return `${verb} ${resourceOf(kind, sub)} ${placeOf(kind, api.namespace)}`;
}

async function isAllowed(api: Api, { verb, kind, sub }: Right, name: string | undefined): Promise<boolean> {
  const { group, plural, clusterWide } = kind;
  const where = clusterWide ? {} : { namespace: api.namespace };
  const resourceAttributes = {
    verb,
    group,
    resource: plural,
    ...(sub !== undefined && { subresource: sub }),
    ...(name !== undefined && { name }),
    ...where,
  };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const review = await api.create<{ status?: { allowed?: boolean } }>(reviews, body);
  return review.status?.allowed === true;
}
