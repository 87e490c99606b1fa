import type { TestContext } from 'node:test';
import { systemClock } from '../../../src/core/clock.ts';
import { KubernetesCluster, type KubernetesClusterOptions } from '../../../src/load/kubernetes/cluster.ts';
import type { FakeRelease } from './release.ts';

/** A conductor's view of a fake release, not started, for a scenario without events. It is closed after the test. */
export function clusterOn(
  test: TestContext,
  release: FakeRelease,
  options: Partial<KubernetesClusterOptions> = {},
): KubernetesCluster {
  const { configure } = release;
  const cluster = new KubernetesCluster({ scenario: { events: [] }, clock: systemClock, configure, ...options });
  test.after(() => cluster.close());
  return cluster;
}
