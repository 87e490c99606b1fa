import type { Deed } from '../cluster.ts';
import { autoscalers, deployments } from './objects.ts';
import { replicasOf, type Site } from './site.ts';

/** How long Kubernetes may take to make and to end pods: not until they are ready, ms. */
const patience = 30_000;

/**
 * Has so many servers from now on. An autoscaler is held to that number by its bounds, since it would choose another one.
 *
 * @param keep hold it until something else is ordered; else only until the number is reached
 */
export async function scale(site: Site, servers: number, keep: boolean): Promise<Deed> {
  const { changes, population, release, autoscaler } = site;
  const at = site.now();
  const before = new Set(population.all('server'));
  const desired = replicasOf(site.deployment('server'));
  const wanted = () => population.present('server').filter(({ stoppedAt }) => stoppedAt === undefined);
  if (autoscaler !== undefined) {
    await changes.make(autoscalers, autoscaler.metadata.name, { minReplicas: servers, maxReplicas: servers });
  }
  if (desired !== servers || replicasOf(site.deployment('server')) !== servers) {
    // At once: the autoscaler looks only now and then. Also if it was quicker, so that the note says what was set.
    await changes.make(deployments, release.server, { replicas: servers });
  }
  await site.until(
    () => replicasOf(site.deployment('server')) === servers && wanted().length === servers,
    patience,
    () => `Kubernetes has made ${wanted().length} pods, ${servers} are wanted${failureOf(site)}`,
  );
  if (autoscaler !== undefined && !keep) await changes.undo(autoscalers, autoscaler.metadata.name);
  const touched = population
    .all('server')
    .filter((life) => !before.has(life) || (life.stoppedAt !== undefined && life.stoppedAt >= at));
  return { at, servers: touched.map(({ name }) => name), proof: [] };
}

/** Why there are no more pods, where the Deployment says so: a quota. */
function failureOf(site: Site): string {
  const { conditions = [] } = site.deployment('server').status ?? {};
  const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  return failure?.message === undefined ? '' : `: ${failure.message}`;
}
