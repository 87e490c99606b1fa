import type { Api } from './api.ts';
import { type Asked, placeOf, resourceOf } from './api-error.ts';
import type { Kind } from './objects.ts';

/** A right as a Role gives it. */
export interface Right {
  verb: Asked['verb'];
  kind: Kind;
  sub?: string;
}

const reviews: Kind = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  clusterWide: true,
};

/** Which of these rights we have not, each in words: `patch deployments.apps in the namespace demo`. */
export async function missingRights(api: Api, rights: readonly Right[]): Promise<ReadonlySet<string>> {
  const missing = await Promise.all(
    rights.map(async (right) => ((await isAllowed(api, right)) ? [] : [inWords(api, right)])),
  );
  return new Set(missing.flat());
}

export function inWords(api: Api, { verb, kind, sub }: Right): string {
  return `${verb} ${resourceOf(kind, sub)} ${placeOf(kind, api.namespace)}`;
}

async function isAllowed(api: Api, { verb, kind, sub }: Right): Promise<boolean> {
  const { group, plural, clusterWide } = kind;
  const where = clusterWide ? {} : { namespace: api.namespace };
  const resourceAttributes = {
    verb,
    group,
    resource: plural,
    ...(sub !== undefined && { subresource: sub }),
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
