import type { TestContext } from 'node:test';
import type { Stage } from '../../../src/load/plan.ts';
import { until } from '../../support/until.ts';
import type { Values } from '../support/helm.ts';
import { image } from '../support/images.ts';
import { freshNamespace } from '../support/namespace.ts';
import { install, type Release } from '../support/release.ts';
import { LoadPod } from './load-pod.ts';
import { PodWatch } from './pod-watch.ts';

/** A release with load on it, and all that watches it. */
export interface Scene {
  readonly release: Release;
  readonly pods: PodWatch;
  readonly load: LoadPod;
}

export interface SceneOptions {
  /** Part of the namespace's name. */
  purpose: string;
  /** How many calls/s when. Default: 200 for an hour, which is longer than any test. */
  stages?: readonly Stage[];
  /** pi(n) is asked for. */
  n?: number;
  values: Values;
}

/** Installs a release, and makes calls through its gateways until the test is over. */
export async function openScene(test: TestContext, options: SceneOptions): Promise<Scene> {
  const { purpose, stages = [{ target: 200, duration: 3_600_000 }], n, values } = options;
  const namespace = await freshNamespace(test, purpose);
  const release = await install({ namespace, values });
  const pods = new PodWatch(namespace, release.name);
  test.after(() => pods.close());
  await until(() => pods.ready('zookeeper').length > 0, 'the watch to show the pods of ZooKeeper');
  const load = await LoadPod.start({
    namespace,
    registry: `zookeeper://${release.object('zookeeper')}:2181/evenkeel/${namespace}/${release.name}/pi`,
    gateway: `http://${release.object('gateway')}:8080`,
    image,
    node: mostFrequent(pods.ready('zookeeper').map(({ node }) => node!)),
    stages,
    ...(n !== undefined && { n }),
  });
  test.after(() => load.close());
  return { release, pods, load };
}

/** Of ZooKeeper's nodes: another one is drained then, and there may be volumes that do not follow a pod from node to node. */
function mostFrequent(nodes: readonly string[]): string {
  const count = (node: string) => nodes.filter((other) => other === node).length;
  return [...nodes].sort((a, b) => count(b) - count(a))[0]!;
}

/** Waits until the registry holds exactly the ready servers, by their addresses: so it must be whenever nothing happens. */
export async function atRest({ pods, load }: Scene): Promise<void> {
  const wanted = () => listed(pods.ready('server').map(({ ip }) => `${ip}:7000`));
  const held = () => listed((load.view()?.endpoints ?? []).map(({ address }) => address));
  await until(
    () => load.view()?.state === 'known' && wanted() === held(),
    () => `the registry to hold the ready servers, ${wanted()}; it holds ${held()}`,
    60_000,
  );
}

const listed = (addresses: readonly string[]) => [...addresses].sort().join(', ');
