import type { KubeConfig } from '@kubernetes/client-node';
import { Latest } from '../latest.ts';
import type { Registry } from '../registry.ts';
import type { OpenSystem, SystemOptions } from '../system.ts';
import { Views } from '../views.ts';
import { driver, missing } from './driver.ts';
import { type KubernetesUrl, readKubernetesUrl } from './url.ts';
import { Watcher } from './watcher.ts';

/** How long `close` waits for what is under way, ms. */
const closeTimeout = 1_000;

/**
 * `kubernetes://NAMESPACE/SERVICE?port=NAME&protocol=framed|classic&family=ipv4|ipv6`: the pods of a Kubernetes Service that are
 * ready, as its EndpointSlices list them. To be watched only: `announce` throws, `configure` rejects, and there are no live
 * settings. Without a namespace it is the pod's own. It needs the package @kubernetes/client-node, and the right to list and
 * watch endpointslices (discovery.k8s.io) in that namespace; docs/operations.md has the Role.
 *
 * @throws a sentence, also if the package is not installed
 */
export const openKubernetes: OpenSystem = (rest, options) => {
  const where = readKubernetesUrl(rest);
  if (options.auth !== undefined && options.auth !== '') {
    throw new Error(
      'A kubernetes registry takes no secret: it uses the service account of the pod, or the kubeconfig.',
    );
  }
  checkPackage();
  return kubernetesRegistry(where, options);
};

/** @param configure for tests: fills the configuration otherwise */
export function kubernetesRegistry(
  where: KubernetesUrl,
  options: Omit<SystemOptions, 'auth'>,
  configure?: (config: KubeConfig) => void,
): Registry {
  const { url, namespace, service } = where;
  const { clock, random } = options;
  const log = options.log.child({ registry: url });
  const views = new Views();
  const settings = new Latest<undefined>();
  settings.push(undefined);
  let watcher: Watcher | undefined;
  let closed: Promise<void> | undefined;

  return {
    url,
    announce() {
      throw new Error(
        'A kubernetes registry cannot be written to: Kubernetes itself lists the pods of a service while they are ready.',
      );
    },
    watch(signal) {
      if (closed !== undefined) throw new Error(`The registry ${url} is closed.`);
      watcher ??= new Watcher({
        cluster: driver({ clock, namespace, service, ...(configure === undefined ? {} : { configure }) }),
        wanted: where,
        views,
        clock,
        random,
        log,
      });
      return views.watch(signal);
    },
    settings: (signal) => settings.watch(signal),
    async configure() {
      throw new Error(
        'A kubernetes registry has no live settings: start the servers and clients with other options, or use ZooKeeper.',
      );
    },
    status: () => ({ state: views.now.state, entries: 0, ...watcher?.status() }),
    close() {
      closed ??= (async () => {
        views.close();
        settings.close();
        if (watcher === undefined) return;
        const late = new AbortController();
        await Promise.race([watcher.close(), clock.sleep(closeTimeout, late.signal).catch(() => {})]);
        late.abort();
      })();
      return closed;
    },
  };
}

/**
 * The package is large, so it is optional, and loaded on use; but that it is missing is better said at once.
 *
 * @param resolve how packages are found
 * @throws a sentence
 */
export function checkPackage(resolve: (name: string) => unknown = (name) => import.meta.resolve?.(name)): void {
  try {
    resolve('@kubernetes/client-node');
  } catch (cause) {
    throw missing(cause);
  }
}
