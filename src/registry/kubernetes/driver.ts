/**
 * The API server through @kubernetes/client-node: its configuration, generated calls and watch, each request with a deadline
 * and an end. Not its informer: that waits for ever, ends for good at the first error, and lists only when it is told 410.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../core/clock.ts';
import { type Cluster, ClusterError, type Listing, type WatchOptions } from './cluster.ts';
import { answered, type Request, toClusterError } from './error.ts';

type Client = typeof import('@kubernetes/client-node');

/** How long the API server may take to answer, and to begin a stream, ms. */
const deadline = 10_000;

export interface DriverOptions {
  clock: Clock;
  namespace: string | undefined;
  service: string;
  /** Fills a configuration. Default: kubeconfig (`KUBECONFIG`, `~/.kube/config`), else the pod's service account. */
  configure?(config: KubeConfig): void;
}

/** Where the API server is, and how to speak to it. */
interface Place {
  client: Client;
  undici: typeof import('undici');
  config: KubeConfig;
  server: string;
  namespace: string;
}

export function driver(options: DriverOptions): Cluster {
  const { clock, namespace, service } = options;
  const labelSelector = `kubernetes.io/service-name=${service}`;
  let place: Promise<Place> | undefined;

  /** Runs one request. The configuration that it gets is good for this one alone. */
  const ask = async <T>(
    signal: AbortSignal,
    verb: Request['verb'],
    work: (place: Place, limits: Limits) => Promise<T>,
  ): Promise<T> => {
    const limits = limit(clock, signal);
    place ??= find(options);
    const request: Request = { server: undefined, namespace: namespace ?? '', verb };
    try {
      const found = await until(limits.signal, place);
      request.server = found.server;
      request.namespace = found.namespace;
      return await until(limits.signal, work({ ...found, config: bound(found, limits.signal) }, limits));
    } catch (cause) {
      const error = toClusterError(limits.signal.aborted ? limits.signal.reason : cause, request);
      // The token on disk may be another one by now, the server elsewhere, or the kubeconfig there at last.
      const another = error.code === 'unauthorized' || error.code === 'failed';
      if (another && !signal.aborted) place = undefined;
      throw error;
    } finally {
      limits.end();
    }
  };

  return {
    list: ({ since, signal }) =>
      ask(signal, 'list', async ({ client, config, namespace }): Promise<Listing> => {
        const found = await config.makeApiClient(client.DiscoveryV1Api).listNamespacedEndpointSlice({
          namespace,
          labelSelector,
          // Not older than what we have seen, even from a server that is behind, and without a quorum read.
          ...(since === undefined ? {} : { resourceVersion: since, resourceVersionMatch: 'NotOlderThan' }),
        });
        const version = found?.metadata?.resourceVersion;
        if (!version || !Array.isArray(found.items)) throw new Error('it gave no list of EndpointSlices');
        return { slices: found.items, version };
      }),
    async watch(wish) {
      try {
        await ask(wish.signal, 'watch', (place, limits) => follow(place, labelSelector, wish, limits));
      } catch (error) {
        if (!wish.signal.aborted) throw error;
      }
    },
  };
}

/** One stream, to its end. */
function follow(place: Place, labelSelector: string, wish: WatchOptions, limits: Limits): Promise<void> {
  const { client, config, namespace } = place;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const query = { labelSelector, resourceVersion: wish.since, allowWatchBookmarks: true };
  let open = false;
  let over = false;
  const onChange = (type: string, object: unknown) => {
    if (over || limits.signal.aborted) return;
    if (type !== 'ERROR') return wish.onChange(type, object);
    const { code } = (object ?? {}) as { code?: unknown };
    reject(answered(typeof code === 'number' ? code : 500, object, { ...place, verb: 'watch' }));
  };
  // It says when the stream is over, with the reason before it was open; after that no reason matters: after 30 s of
  // silence it ends a stream itself, and a lost connection shows when the next one is asked for.
  const onEnd = (cause: unknown) => {
    over = true;
    if (open) resolve();
    else reject(cause ?? new Error('it ended the stream before it began'));
  };
  new client.Watch(config).watch(path, query, onChange, onEnd).then((controller) => {
    limits.signal.addEventListener('abort', () => controller.abort(), { once: true });
    if (limits.signal.aborted) return controller.abort();
    if (over) return;
    open = true;
    limits.relax();
    wish.onOpen();
  }, reject);
  return promise;
}

async function find({ namespace, configure = fromSurroundings }: DriverOptions): Promise<Place> {
  const client = await import('@kubernetes/client-node').catch((cause) => {
    throw missing(cause);
  });
  const undici = await import('undici');
  const config = new client.KubeConfig();
  try {
    configure(config);
  } catch (cause) {
    // The first line only: what follows is an excerpt of the file, which may hold secrets.
    const reason = (cause as Error).message.split('\n')[0];
    throw new ClusterError('failed', `the Kubernetes configuration cannot be read: ${reason}`);
  }
  const server = config.getCurrentCluster()?.server;
  // What the client makes up when it finds nothing.
  if (server === undefined || server === 'http://localhost:8080') {
    throw new ClusterError(
      'failed',
      'there is no Kubernetes to ask: in a pod let its service account token be mounted ' +
        '(automountServiceAccountToken: true), elsewhere let KUBECONFIG name a file',
    );
  }
  const context = config.getContextObject(config.getCurrentContext());
  return { client, undici, config, server, namespace: namespace ?? (context?.namespace?.trim() || 'default') };
}

function fromSurroundings(config: KubeConfig): void {
  config.loadFromDefault();
}

/** What to say when the optional package is not there. */
export function missing(cause: unknown): ClusterError {
  const message =
    'a kubernetes: registry needs the package @kubernetes/client-node, which is not installed: npm install @kubernetes/client-node';
  return new ClusterError('failed', message, { cause });
}

/** The same configuration for one request: what it opens is closed when the signal is aborted. */
function bound({ config, undici }: Place, signal: AbortSignal): KubeConfig {
  const own = Object.create(config) as KubeConfig;
  own.applySecurityAuthentication = async (context) => {
    await config.applySecurityAuthentication(context);
    context.setSignal(signal);
    // The client makes a new one for each request and leaves it to be collected, with its connection, or takes one that
    // all share. And a watch cannot be ended otherwise before the server has answered.
    const dispatcher = context.getDispatcher() ?? new undici.Agent();
    context.setDispatcher(dispatcher);
    const destroy = () => void dispatcher.destroy().catch(() => {});
    if (signal.aborted) destroy();
    else signal.addEventListener('abort', destroy, { once: true });
  };
  return own;
}

interface Limits {
  /** Aborted when the time is over, when the caller wishes it, and at the end. */
  readonly signal: AbortSignal;
  /** From now on there is time. */
  relax(): void;
  end(): void;
}

function limit(clock: Clock, outer: AbortSignal): Limits {
  const controller = new AbortController();
  const stop = () => controller.abort(outer.reason);
  const timer = clock.timer(deadline, () => controller.abort(new Error(`no answer within ${deadline / 1_000} s`)), {
    keepAlive: true,
  });
  outer.addEventListener('abort', stop, { once: true });
  if (outer.aborted) stop();
  return {
    signal: controller.signal,
    relax: () => timer.cancel(),
    end() {
      timer.cancel();
      outer.removeEventListener('abort', stop);
      controller.abort(new ClusterError('failed', 'the request is over'));
    },
  };
}

/** What `work` comes to, unless the signal is aborted first. */
function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
