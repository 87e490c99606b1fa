import { isoTime } from '../../core/clock.ts';
import type { Deed } from '../cluster.ts';
import { deployments, type Workload } from './objects.ts';
import { replicasOf, type Site } from './site.ts';

/** How long a rolling restart may take, ms. */
const patience = 600_000;

/** Replaces every pod of a Deployment as `kubectl rollout restart` does. */
export async function roll(site: Site, component: 'server' | 'gateway'): Promise<Deed> {
  const { api, population, release } = site;
  const at = site.now();
  const old = population.present(component);
  const wanted = replicasOf(site.deployment(component));
  const annotations = { 'kubectl.kubernetes.io/restartedAt': isoTime(at) };
  const patch = { spec: { template: { metadata: { annotations } } } };
  const generation = (await api.patch(deployments, release[component], patch)).metadata.generation ?? 0;
  let fewest = population.ready(component).length;
  const missing = () => old.filter(({ goneAt }) => goneAt === undefined).length;
  await site.until(
    () => {
      fewest = Math.min(fewest, population.ready(component).length);
      return missing() === 0 && isDone(site.deployment(component), generation);
    },
    patience,
    () => `${missing()} of ${old.length} ${component}s were not replaced${whyNot(site, component)}`,
  );
  const what = `${old.length} of ${old.length} ${component}s were replaced, never less than ${fewest} of ${wanted} ready`;
  const servers = component === 'server' ? old.map(({ name }) => name) : [];
  return { at, until: site.now(), servers, proof: [{ what, holds: old.length > 0 }] };
}

function isDone({ status = {}, spec }: Workload, generation: number): boolean {
  const { observedGeneration = 0, updatedReplicas = 0, readyReplicas = 0 } = status;
  const replicas = spec.replicas ?? 1;
  return observedGeneration >= generation && updatedReplicas === replicas && readyReplicas === replicas;
}

function whyNot(site: Site, component: 'server' | 'gateway'): string {
  const stuck = site.population.present(component).find(({ phase }) => phase === 'starting');
  return stuck === undefined ? '' : `; ${stuck.name} does not become ready: ${stuck.complaint}`;
}
