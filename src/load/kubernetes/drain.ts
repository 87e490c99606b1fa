import type { Deed } from '../cluster.ts';
import { type Api, hasStatus } from './api.ts';
import { type Node, nodes, pods } from './objects.ts';
import { components, type PodLife } from './pod-life.ts';
import type { Site } from './site.ts';

/** How long disruption budgets may keep a node from being emptied, and pods may take to end, ms. */
const patience = 300_000;
/** How often a pod that a disruption budget protects is asked to go again, ms. */
const retry = 2_000;

/**
 * Empties a node of the release's pods, in good order: nothing new comes there, and what is there is evicted, as disruption budgets
 * allow. Other people's pods stay: it is a test of this release.
 */
export async function drain(site: Site): Promise<Deed> {
  const { population, changes, release } = site;
  const node = chooseNode(site);
  await changes.make(nodes, node, { unschedulable: true });
  const there = everybody(site).filter((life) => life.node === node && life.stoppedAt === undefined);
  const at = site.now();
  const refusals = await Promise.all(there.map((life) => evict(site, life)));
  const left = () => everybody(site).filter((life) => life.node === node && life.goneAt === undefined);
  await site.until(
    () => left().length === 0,
    patience,
    () => `${namesOf(left())} did not leave ${node}`,
  );
  const until = site.now();
  const { spec } = await site.api.get(nodes, node);
  const waited = refusals.reduce((sum, count) => sum + count, 0);
  const patiently = waited === 0 ? '' : `; disruption budgets said "not yet" ${waited} times`;
  return {
    at,
    until,
    machine: node,
    servers: there.filter(({ component }) => component === 'server').map(({ name }) => name),
    proof: [
      { what: `nothing new is put on ${node}`, holds: spec.unschedulable === true },
      {
        what: `${there.length} pods of ${release.name} were evicted from ${node}${patiently}`,
        holds: there.length > 0,
      },
      {
        what: `no server is left on ${node}`,
        holds: population.ready('server').every((life) => life.node !== node),
      },
    ],
  };
}

/** The one with most servers that is not the conductor's. Throws when there is none. */
export function chooseNode({ population, ownNode }: Site): string {
  const counts = new Map<string, number>();
  for (const { node } of population.ready('server')) {
    if (node !== undefined && node !== ownNode) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  if (most === undefined) {
    throw new Error(
      ownNode === undefined
        ? 'no server is ready on any node'
        : `all servers are on ${ownNode}, which cannot be emptied: the load test runs there`,
    );
  }
  return most[0];
}

/** Whether pods may be put there. */
export function takesPods({ spec, status }: Node): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  const closed = spec.taints?.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return ready === true && spec.unschedulable !== true && closed !== true;
}

/** Asks it to go until it may. Gives how often a disruption budget said no. */
async function evict({ api, clock, signal, release }: Site, life: PodLife): Promise<number> {
  const deadline = clock.now() + patience;
  const { name, uid } = life;
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: release.namespace },
    deleteOptions: { preconditions: { uid } },
  };
  for (let refusals = 0; ; refusals++) {
    try {
      await ask(api, name, body);
      return refusals;
    } catch (cause) {
      if (hasStatus(cause, 404) || life.stoppedAt !== undefined) return refusals;
      // 409: somebody else changed it at that moment.
      if (!hasStatus(cause, 429, 409) || clock.now() >= deadline) throw cause;
      await clock.sleep((cause as { retryAfter?: number }).retryAfter ?? retry, signal);
    }
  }
}

function ask(api: Api, name: string, body: object): Promise<unknown> {
  return api.create(pods, body, { of: name, sub: 'eviction' });
}

function everybody({ population }: Site): PodLife[] {
  return components.flatMap((component) => population.all(component));
}

function namesOf(lives: readonly PodLife[]): string {
  return lives.map(({ name }) => name).join(', ');
}
