import { isoTime } from '../../core/clock.ts';
import type { Deed, Proof } from '../cluster.ts';
import { deployments, type Workload } from './objects.ts';
import type { PodLife } from './pod-life.ts';
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
  const replaced = { what, holds: old.length > 0 };
  const until = site.now();
  if (component === 'gateway') return { at, until, servers: [], proof: [replaced, ...withdrawn(site, old, at)] };
  return { at, until, servers: old.map(({ name }) => name), proof: [replaced] };
}

/**
 * Proof that Kubernetes sent nobody new to an old gateway any more when that ended: callers know no gateway by itself, and would be
 * refused. None where that cannot be known.
 */
function withdrawn({ slices: { gateway: slices } }: Site, old: readonly PodLife[], since: number): Proof[] {
  if (slices.wasUnreadable(since)) return [];
  const ends = old
    .filter(({ uid }) => slices.has(uid) || slices.withdrawnAt(uid) !== undefined)
    .map(({ uid, name, goneAt }) => ({ name, ahead: goneAt! - (slices.withdrawnAt(uid) ?? Number.POSITIVE_INFINITY) }));
  if (ends.length === 0) return [];
  const late = ends.filter(({ ahead }) => ahead < 0).map(({ name }) => name);
  const least = Math.min(...ends.map(({ ahead }) => ahead));
  const how = late.length > 0 ? `but for ${late.join(', ')}` : `by ${(least / 1000).toFixed(1)} s at least`;
  const what = `each old gateway was out of the EndpointSlices of ${slices.service} before its container ended, ${how}`;
  return [{ what, holds: late.length === 0 }];
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
