import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../core/clock.ts';
import { type Api, ApiError } from './api.ts';
import { HttpApi } from './http-api.ts';

export interface ConnectOptions {
  clock: Clock;
  /** Default: the pod's own, or the kubeconfig's. */
  namespace?: string | undefined;
  /** Fills a configuration. Default: kubeconfig (`KUBECONFIG`, `~/.kube/config`), else the pod's service account. */
  configure?: ((config: KubeConfig) => void) | undefined;
}

/** Finds the API server, and asks whether it is there. Rejects with a sentence. */
export async function connectApi(options: ConnectOptions): Promise<Api> {
  const { clock, configure = (config: KubeConfig) => config.loadFromDefault() } = options;
  // The package is large, so it is optional.
  const client = await import('@kubernetes/client-node').catch((cause) => {
    const what = 'a load test on Kubernetes needs the package @kubernetes/client-node, which is not installed';
    throw new ApiError(`${what}: npm install @kubernetes/client-node`, {}, { cause });
  });
  const config = new client.KubeConfig();
  try {
    configure(config);
  } catch (cause) {
    // The first line only: what follows is an excerpt of the file, which may hold secrets.
    const reason = (cause as Error).message.split('\n')[0];
    throw new ApiError(`the Kubernetes configuration cannot be read: ${reason}`);
  }
  const server = config.getCurrentCluster()?.server;
  // What the client makes up when it finds nothing.
  if (server === undefined || server === 'http://localhost:8080') {
    throw new ApiError(
      'there is no Kubernetes to ask: in a pod let its service account token be mounted ' +
        '(automountServiceAccountToken: true), elsewhere let KUBECONFIG name a file',
    );
  }
  const own = config.getContextObject(config.getCurrentContext())?.namespace?.trim();
  const api = new HttpApi({ client, config, server, namespace: options.namespace ?? (own || 'default'), clock });
  await api.read('/version');
  return api;
}
