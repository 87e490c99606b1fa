import { unsettled } from '../settle.ts';
import type { PodLife } from './pod-life.ts';
import { replicasOf, type Site } from './site.ts';

/** How long a release may take to have so many servers, and its gateways to call them, ms: an upgrade may replace one by one. */
const patience = 300_000;

/**
 * Waits until each gateway calls so many servers, or as many as are wanted, and all else is well. Throws why it does not come to
 * that, in a sentence.
 */
export async function waitUntilUp(site: Site, servers: number | undefined): Promise<void> {
  const nothing = { at: 0, servers: [], proof: [] };
  const missing = () => {
    const state = site.state();
    if (servers !== undefined && state.desired !== servers)
      return `${state.desired} servers are wanted, not ${servers}`;
    return rollout(site) ?? unsettled({ do: 'baseline', at: 0, for: 0 }, nothing, state);
  };
  const why = () => `the release ${site.release.name} does not come up: ${missing()}${detail(site)}`;
  await site.until(() => missing() === undefined, patience, why);
}

/** Whether an upgrade is still to replace pods that are well: the same one may have started the load test. */
function rollout(site: Site): string | undefined {
  for (const component of ['server', 'gateway'] as const) {
    const deployment = site.deployment(component);
    const { metadata, status = {} } = deployment;
    const { observedGeneration = 0, updatedReplicas = 0, replicas = updatedReplicas } = status;
    const wanted = replicasOf(deployment);
    if (observedGeneration < (metadata.generation ?? 0)) return `Kubernetes has not looked at ${metadata.name} yet`;
    // One of the old version goes only when the new one has been ready for a while.
    if (updatedReplicas < wanted || replicas > updatedReplicas) {
      return `${updatedReplicas} of ${replicas} pods of ${metadata.name} are of the newest version, ${wanted} are wanted`;
    }
  }
  return undefined;
}

/** What Kubernetes says of a pod that is not ready, or that a gateway is silent. */
function detail({ population, gateways }: Site): string {
  const waiting = (['zookeeper', 'server', 'gateway'] as const)
    .flatMap((component) => population.present(component))
    .find(({ phase }) => phase === 'starting' || phase === 'unready');
  if (waiting !== undefined) return `; ${waiting.name}: ${whyUnready(waiting)}`;
  const silent = gateways.states().find(({ nodes }) => nodes.length === 0);
  const life = population.present('gateway').find(({ name }) => name === silent?.name);
  const where = life?.at('ops');
  if (where === undefined) return '';
  return `; http://${where}/nodes answers nothing: a NetworkPolicy must let the load test in to the ops port of gateways`;
}

function whyUnready({ complaint, pod }: PodLife): string {
  const waiting = pod.status?.containerStatuses?.find(({ state }) => state?.waiting !== undefined)?.state?.waiting;
  if (waiting?.reason !== undefined) return [waiting.reason, waiting.message].filter((word) => word).join(': ');
  return complaint === '' ? 'it is not ready' : complaint;
}
