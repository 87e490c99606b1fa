/** The chart, or a part of it, installed with the image under test. */

import type { Output } from './command.ts';
import { attemptHelm, chartFolder, helm, mergeValues, type Part, type Values } from './helm.ts';
import { registry, tag } from './images.ts';
import { exec, list, proxyPost } from './kubectl.ts';
import type { Pod } from './pod.ts';

/** Little enough of CPU that several pods fit on a machine of two cores. */
const small = {
  requests: { cpu: '20m', memory: '128Mi' },
  limits: { cpu: '200m', memory: '384Mi' },
};
const smallValues: Record<Part | 'all', Values> = {
  all: {
    server: { resources: small },
    gateway: { resources: small },
    zookeeper: { resources: { requests: { cpu: '20m' } } },
  },
  server: { resources: small },
  gateway: { resources: small },
  zookeeper: { resources: { requests: { cpu: '20m' } } },
  loadtest: {},
};

export interface ReleaseOptions {
  namespace: string;
  /** Of the release. Default `evenkeel`. */
  name?: string;
  /** A part alone. Default: the umbrella chart. */
  part?: Part;
  /** Values files, by their paths from the chart's folder. `values` win over them. */
  files?: readonly string[];
  values?: Values;
  /** Give pods little CPU, and a limit of it. Default true; false takes the chart's own. */
  small?: boolean;
  /** Wait until all pods are ready. Default true. */
  wait?: boolean;
  /** s, for the wait. Default 240. */
  timeout?: number;
}

export class Release {
  readonly namespace: string;
  readonly name: string;
  readonly #options: ReleaseOptions;
  /** What it has been given since, by upgrades too. */
  #values: Values;

  constructor(options: ReleaseOptions) {
    this.namespace = options.namespace;
    this.name = options.name ?? 'evenkeel';
    this.#options = options;
    const base: Values = { global: { image: { tag, ...(registry !== undefined && { registry }) } } };
    this.#values = mergeValues(
      base,
      options.small === false ? {} : smallValues[options.part ?? 'all'],
      options.values ?? {},
    );
  }

  /** Name of the objects of a part, such as `evenkeel-server`. */
  object(part: Part): string {
    return `${this.name}-${part}`;
  }

  /** Selects the pods of a part. */
  selector(part: Part): string {
    return `app.kubernetes.io/instance=${this.name},app.kubernetes.io/component=${part}`;
  }

  /** What `helm COMMAND` is to be told of chart and values. */
  #arguments(command: 'install' | 'upgrade'): string[] {
    const { files = [], part, wait = true, timeout = 240 } = this.#options;
    const folder = chartFolder(part);
    return [
      command,
      this.name,
      folder,
      ...['--namespace', this.namespace],
      ...files.flatMap((file) => ['--values', `${folder}/${file}`]),
      ...['--values', '-'],
      ...(wait ? ['--wait'] : []),
      ...['--timeout', `${timeout}s`],
    ];
  }

  /** Rejects when pods are not ready in time. Gives what Helm prints: the notes. */
  install(): Promise<string> {
    return helm(this.#arguments('install'), { input: JSON.stringify(this.#values) });
  }

  /** Tries to install, and gives exit code and output, for what has to fail. */
  attemptInstall(): Promise<Output> {
    return attemptHelm(this.#arguments('install'), { input: JSON.stringify(this.#values) });
  }

  /** Changes some values, keeps the others. */
  upgrade(values: Values = {}): Promise<string> {
    this.#values = mergeValues(this.#values, values);
    return helm(this.#arguments('upgrade'), { input: JSON.stringify(this.#values) });
  }

  /** Back to an earlier revision. `upgrade` afterwards still has all values that it was given. */
  rollback(revision: number): Promise<string> {
    const where = ['--namespace', this.namespace, '--wait', '--timeout', '180s'];
    return helm(['rollback', this.name, String(revision), ...where]);
  }

  async uninstall(): Promise<void> {
    await helm(['uninstall', this.name, '--namespace', this.namespace, '--wait', '--timeout', '180s']);
  }

  /** `helm test`, with further flags. */
  test(...flags: readonly string[]): Promise<Output> {
    return attemptHelm(['test', this.name, '--namespace', this.namespace, '--timeout', '180s', ...flags]);
  }

  /** The pods of a part that are not on their way out. */
  async pods(part: Part): Promise<Pod[]> {
    const pods = await list<Pod>(this.namespace, 'pods', this.selector(part));
    return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** A call through the gateway's Service, by way of the API server. Rejects when the answer is an error. */
  async call<T = unknown>(method: string, input: unknown): Promise<T> {
    const to = `services/${this.object('gateway')}:http`;
    return JSON.parse(await proxyPost(this.namespace, to, `/call/${method}`, JSON.stringify(input))) as T;
  }

  /** A page of a pod's ops port. Asked for in the pod: policies may keep everybody else from it. */
  page(pod: string, path: '/nodes' | '/metrics' | '/readyz'): Promise<string> {
    const ask = `console.log(await (await fetch('http://127.0.0.1:9090${path}')).text())`;
    return exec(this.namespace, pod, ['node', '--input-type=module', '--eval', ask]);
  }

  /** `/nodes` of a pod: what a gateway sees of its servers, or how a server stands to the registry. */
  async nodes<T = NodesPage>(pod: string): Promise<T> {
    return JSON.parse(await this.page(pod, '/nodes')) as T;
  }

  /** Runs a module of JavaScript (with top-level `await`) in a pod of the gateway's, and gives what it prints. */
  script(source: string): Promise<string> {
    const target = `deployment/${this.object('gateway')}`;
    return exec(this.namespace, target, ['node', '--input-type=module', '-'], { input: source });
  }
}

/** `/nodes` of a gateway, in part. */
export interface NodesPage {
  service: string;
  registry: { state: string };
  nodes: { addr: string; state: string; weight: number }[];
}

/** Installs, and gives the release when all of its pods are ready. */
export async function install(options: ReleaseOptions): Promise<Release> {
  const release = new Release(options);
  await release.install();
  return release;
}
