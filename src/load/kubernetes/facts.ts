import { type Api, hasStatus } from './api.ts';
import { takesPods } from './drain.ts';
import { autoscalers, deployments, disruptionBudgets, type Node, nodes, pods, statefulSets } from './objects.ts';
import { type Component, components } from './pod-life.ts';
import { missingRights, type Right } from './rights.ts';
import { replicasOf, type Site } from './site.ts';

/** What is asked once, before anything is done: what a scenario needs is refused by it, or not. */
export interface Facts {
  /** Those of `rights` that we have not. */
  missing: ReadonlySet<Right>;
  /** Undefined where we may not read them. */
  nodes: readonly Node[] | undefined;
  /** Somebody measures what pods use. */
  metrics: boolean;
  /** Disruption budgets that let no pod go of those that a drained node may have, and the component that they are about. */
  forbidding: readonly { budget: string; component: Component }[];
}

/** Rights by what needs them. */
export const rights = {
  // By WebSocket: a GET, for which Kubernetes 1.35 and newer want the right to create as well.
  exec: { verb: 'create', kind: pods, sub: 'exec' },
  execBySocket: { verb: 'get', kind: pods, sub: 'exec' },
  evict: { verb: 'create', kind: pods, sub: 'eviction' },
  deleteMembers: { verb: 'delete', kind: pods, of: 'member' },
  patchServers: { verb: 'patch', kind: deployments, of: 'server' },
  patchGateways: { verb: 'patch', kind: deployments, of: 'gateway' },
  patchStatefulSets: { verb: 'patch', kind: statefulSets, of: 'zookeeper' },
  patchAutoscalers: { verb: 'patch', kind: autoscalers, of: 'autoscaler' },
  getServers: { verb: 'get', kind: deployments, of: 'server' },
  getStatefulSets: { verb: 'get', kind: statefulSets, of: 'zookeeper' },
  getAutoscalers: { verb: 'get', kind: autoscalers, of: 'autoscaler' },
  getNodes: { verb: 'get', kind: nodes },
  listNodes: { verb: 'list', kind: nodes },
  patchNodes: { verb: 'patch', kind: nodes },
  listBudgets: { verb: 'list', kind: disruptionBudgets },
} as const satisfies Record<string, Right>;

export async function gatherFacts(site: Site): Promise<Facts> {
  const { api } = site;
  const [missing, found, metrics] = await Promise.all([
    missingRights(api, Object.values(rights), (object) => nameOf(site, object)),
    orUndefined(api.list(nodes)),
    hasMetrics(api),
  ]);
  const forbidding = missing.has(rights.listBudgets) ? [] : await budgetsThatForbid(site);
  return { missing, nodes: found?.items, metrics, forbidding };
}

function nameOf({ release, autoscaler, zookeeper }: Site, object: NonNullable<Right['of']>): string | undefined {
  if (object === 'autoscaler') return autoscaler?.metadata.name;
  if (object !== 'member') return release[object];
  // The last one: who may delete that may delete those before it.
  return zookeeper && `${zookeeper.metadata.name}-${Math.max(0, replicasOf(zookeeper) - 1)}`;
}

/** Nodes that pods may be put on. */
export function openNodes(facts: Facts): readonly Node[] {
  return (facts.nodes ?? []).filter(takesPods);
}

async function hasMetrics(api: Api): Promise<boolean> {
  const answer = await orUndefined(api.read('/apis/metrics.k8s.io/v1beta1'), 404, 403, 503);
  return answer !== undefined;
}

/** A budget that allows nothing while all is well will never allow anything. */
async function budgetsThatForbid({ api, population, ownNode }: Site): Promise<Facts['forbidding']> {
  const { items } = await api.list(disruptionBudgets);
  // All that is on a node goes. The own one is never emptied.
  const there = components.flatMap((component) => population.ready(component)).filter(({ node }) => node !== ownNode);
  return items.flatMap(({ metadata, spec, status }) => {
    const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {};
    // An expression cannot be read here: such a budget shows when it says no.
    if (matchExpressions.length > 0 || status?.disruptionsAllowed !== 0 || status.expectedPods === 0) return [];
    // Kubernetes has not seen yet that all are well.
    if (status.currentHealthy < status.expectedPods) return [];
    const ours = there.find(({ pod }) =>
      Object.entries(matchLabels).every(([key, value]) => pod.metadata.labels?.[key] === value),
    );
    return ours === undefined ? [] : [{ budget: metadata.name, component: ours.component }];
  });
}

async function orUndefined<T>(answer: Promise<T>, ...statuses: number[]): Promise<T | undefined> {
  try {
    return await answer;
  } catch (cause) {
    if (hasStatus(cause, ...(statuses.length === 0 ? [403] : statuses))) return undefined;
    throw cause;
  }
}
