import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../core/clock.ts';
import { restoreLeftovers } from './changes.ts';
import { connectApi } from './connect.ts';
import { processName } from './process-name.ts';
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
 * doing it once. Of a release that is no more by its name. Rejects with a sentence when a load test is still at work there.
 */
export async function cleanup(options: CleanupOptions): Promise<Cleanup> {
  const { release: name, clock, namespace, configure } = options;
  const api = await connectApi({ clock, namespace, configure });
  let missing: unknown;
  const release = await findRelease(api, name).catch((cause: unknown) => {
    if (name === undefined) throw cause;
    // It may be uninstalled, and a node that was closed for it still is.
    missing = cause;
    return { name, namespace: api.namespace };
  });
  const { restored, problems, unseen } = await restoreLeftovers({ api, release, by: processName() });
  if (missing !== undefined && restored.length + problems.length === 0) throw missing;
  return { restored, problems: [...problems, ...unseen] };
}
