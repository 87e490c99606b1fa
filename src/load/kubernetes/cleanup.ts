import { hostname } from 'node:os';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../core/clock.ts';
import { restoreLeftovers } from './changes.ts';
import { connectApi } from './connect.ts';
import { findRelease } from './release.ts';

export interface CleanupOptions {
  /** Name of the release. Default: the only one in the namespace. */
  release?: string | undefined;
  /** Default: the pod's own, or the kubeconfig's. */
  namespace?: string | undefined;
  configure?: ((config: KubeConfig) => void) | undefined;
  clock: Clock;
}

/** What was put back, and what could not be, or not be looked at; a sentence each. */
export interface Cleanup {
  restored: readonly string[];
  problems: readonly string[];
}

/**
 * Puts back what a load test that is no more has left changed: replicas, bounds of the autoscaler, closed nodes. Doing it twice is
 * doing it once. Rejects with a sentence when a load test is still at work there.
 */
export async function cleanup(options: CleanupOptions): Promise<Cleanup> {
  const { release: name, clock, namespace, configure } = options;
  const api = await connectApi({ clock, namespace, configure });
  const release = await findRelease(api, name);
  const by = `${hostname()}-${process.pid}`;
  const { restored, problems, unseen } = await restoreLeftovers({ api, release, by });
  return { restored, problems: [...problems, ...unseen] };
}
