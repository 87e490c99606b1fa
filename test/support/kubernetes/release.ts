/** A release of the chart on a fake API server, with controllers and a kubelet that do no more than tests need. */
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';
import { endpoint } from '../../../src/core/endpoint.ts';
import { freshId } from '../../../src/core/random.ts';
import * as kinds from '../../../src/load/kubernetes/objects.ts';
import { memoryStore } from '../../../src/registry/memory.ts';
import { FakeApiServer, type FakeObject, later, namespace } from './api-server.ts';

export interface FakeReleaseOptions {
  servers?: number;
  gateways?: number;
  members?: number;
  /** Bounds of an autoscaler. */
  autoscaler?: { min: number; max: number };
  nodes?: readonly string[];
  /** More fields of a server's pod spec. */
  podSpec?: object;
  /** Starts the ledger beside a server, and gives its port. Default: there is none. */
  ledgerOf?: (pod: string) => Promise<number>;
}

const owners = {
  server: { kind: kinds.deployments, port: 'rpc' },
  gateway: { kind: kinds.deployments, port: 'ops' },
  zookeeper: { kind: kinds.statefulSets, port: 'client' },
} as const;
type Part = keyof typeof owners;

const nothing = { close: () => {} };

export class FakeRelease {
  readonly name = 'lt';
  readonly api: FakeApiServer;
  /** Name of the memory registry. */
  readonly registry = `memory:${freshId()}`;
  /** Calls in flight to each server, as gateways say. */
  inFlight = 3;
  /** What a pod's container ends with when it is told to go. */
  exitCode = 0;
  /** How long a pod that is told to go takes to end, ms. */
  endsAfter = 10;
  /** Gateways answer. */
  answering = true;
  /** EndpointSlices follow the pods. */
  publishing = true;
  readonly #options: FakeReleaseOptions;
  readonly #listeners = new Map<string, { close(): void }>();
  #made = 0;
  #closed = false;

  private constructor(api: FakeApiServer, options: FakeReleaseOptions) {
    this.api = api;
    this.#options = options;
  }

  /** Brings it up; its pods become ready a moment later. */
  static async start(options: FakeReleaseOptions = {}): Promise<FakeRelease> {
    const release = new FakeRelease(await FakeApiServer.start(), options);
    release.#install();
    return release;
  }

  /** For `configure` of who connects. */
  readonly configure = (config: KubeConfig): void => {
    this.api.configure(config);
    config.contexts = [{ ...config.contexts[0]!, namespace }];
  };

  pods(part: Part): FakeObject[] {
    const wanted = Object.entries(this.#labels(part));
    return this.api
      .all(kinds.pods)
      .filter(({ metadata }) => wanted.every(([label, value]) => labelOf(metadata, label) === value));
  }

  /** Ends a pod's container as something that happens by itself, and starts it again. */
  restart(pod: string, exitCode: number, reason = 'Error'): void {
    const [status] = this.api.find(kinds.pods, pod).status!.containerStatuses!;
    const containerStatuses = [
      { ...status, restartCount: status!.restartCount + 1, lastState: { terminated: { exitCode, reason } } },
    ];
    this.#status(pod, { containerStatuses, conditions: [{ type: 'Ready', status: 'False' }] });
    later(20, () => this.#status(pod, { conditions: [{ type: 'Ready', status: 'True' }] }));
  }

  /** A pod is gone without a word: its node is lost. */
  lose(pod: string): void {
    this.#silence(pod);
    this.api.delete(kinds.pods, pod);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const listener of this.#listeners.values()) listener.close();
    await this.api.close();
  }

  #install(): void {
    const { servers = 2, gateways = 2, members = 1, autoscaler, nodes = ['node-1', 'node-2'] } = this.#options;
    const { api } = this;
    for (const name of nodes) {
      const status = { conditions: [{ type: 'Ready', status: 'True' }], capacity: { cpu: '2', memory: '8388608Ki' } };
      api.put(kinds.nodes, { metadata: { name }, spec: {}, status });
    }
    const labels = this.#labels('gateway');
    const ports = [{ name: 'http', port: 8080 }];
    api.put(kinds.services, { metadata: { name: 'lt-gateway', labels }, spec: { clusterIP: '10.96.0.7', ports } });
    api.put(kinds.services, { metadata: { name: 'lt-gateway-ops', labels }, spec: { clusterIP: 'None' } });
    const ofServers = { name: 'lt-server', labels: this.#labels('server') };
    api.put(kinds.services, { metadata: ofServers, spec: { clusterIP: 'None' } });
    api.onDelete = (plural, object) => {
      if (plural !== 'pods') return 'gone';
      this.#terminate(object.metadata.name);
      return 'later';
    };
    api.onChange = (plural, _change, object) => {
      if (plural === 'pods' && this.publishing) for (const part of ['server', 'gateway'] as const) this.#publish(part);
      if (plural === 'deployments' || plural === 'statefulsets' || plural === 'pods') this.#reconcileSoon();
      if (plural === 'horizontalpodautoscalers') this.#autoscale(object);
    };
    this.#workload('server', servers);
    this.#workload('gateway', gateways);
    if (members > 0) this.#workload('zookeeper', members);
    if (autoscaler !== undefined) {
      const scaleTargetRef = { kind: 'Deployment', name: 'lt-server' };
      const target = { type: 'Utilization', averageUtilization: 60 };
      const metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
      const spec = { scaleTargetRef, minReplicas: autoscaler.min, maxReplicas: autoscaler.max, metrics };
      api.put(kinds.autoscalers, { metadata: { name: 'lt-server' }, spec, status: { desiredReplicas: servers } });
    }
  }

  #labels(part: Part): Record<string, string> {
    return { [kinds.labels.release]: this.name, [kinds.labels.component]: part, [kinds.labels.partOf]: 'evenkeel' };
  }

  #workload(part: Part, replicas: number): void {
    const env = part === 'gateway' ? [{ name: 'EVENKEEL_REGISTRY', value: this.registry }] : [];
    const container = { name: part, image: 'evenkeel:1', env, ports: [{ name: owners[part].port, containerPort: 1 }] };
    const spec = { containers: [container], ...(part === 'server' && this.#options.podSpec) };
    this.api.put(owners[part].kind, {
      metadata: { name: `lt-${part}`, labels: this.#labels(part), generation: 1 },
      spec: { replicas, selector: {}, template: { spec } },
      status: { observedGeneration: 1, updatedReplicas: replicas, readyReplicas: replicas },
    });
  }

  /** As Kubernetes does it for a Service, all in one slice. */
  #publish(part: Part): void {
    const endpoints = this.pods(part).map((pod) => {
      const terminating = pod.metadata.deletionTimestamp !== undefined;
      const conditions = { ready: isReady(pod) && !terminating, terminating };
      return { addresses: ['127.0.0.1'], conditions, targetRef: { kind: 'Pod', uid: pod.metadata.uid } };
    });
    const labels = { ...this.#labels(part), [kinds.serviceLabel]: `lt-${part}` };
    this.api.put(kinds.endpointSlices, { metadata: { name: `lt-${part}-x7k2p`, labels }, endpoints });
  }

  #reconciling = false;
  #reconcileSoon(): void {
    if (this.#reconciling || this.#closed) return;
    this.#reconciling = true;
    later(5, () => {
      this.#reconciling = false;
      if (!this.#closed) for (const part of Object.keys(owners) as Part[]) this.#reconcile(part);
    });
  }

  /** As a Deployment does it: a new one first, then an old one goes. */
  #reconcile(part: Part): void {
    const { kind } = owners[part];
    const owner = this.api.all(kind).find(({ metadata }) => metadata.name === `lt-${part}`) as
      | kinds.Workload
      | undefined;
    if (owner === undefined) return;
    const { replicas = 1, template } = owner.spec;
    const version = JSON.stringify(template.metadata ?? {});
    const there = this.pods(part).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const fresh = there.filter(({ metadata }) => metadata.version === version);
    const old = there.filter(({ metadata }) => metadata.version !== version);
    for (let missing = replicas - fresh.length; missing > 0; missing--) void this.#startPod(part, owner, version);
    for (const { metadata } of fresh.slice(replicas)) this.#terminate(metadata.name);
    const ready = fresh.filter(isReady);
    if (ready.length >= replicas) for (const { metadata } of old) this.#terminate(metadata.name);
    const status = { updatedReplicas: fresh.length, readyReplicas: ready.length + old.filter(isReady).length };
    if (JSON.stringify(status) !== JSON.stringify(pick(owner.status))) this.api.patch(kind, `lt-${part}`, { status });
  }

  async #startPod(part: Part, { spec }: kinds.Workload, version: string): Promise<void> {
    const name = `lt-${part}-${this.#made++}`;
    const open = this.api.all(kinds.nodes).filter(({ spec }) => (spec as kinds.Node['spec']).unschedulable !== true);
    const nodeName = open[this.#made % Math.max(1, open.length)]?.metadata.name;
    const [container] = spec.template.spec.containers;
    this.api.put(kinds.pods, {
      metadata: { name, labels: this.#labels(part), version, creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { ...spec.template.spec, ...(nodeName && { nodeName }) },
      status: {
        phase: 'Pending',
        conditions: [{ type: 'Ready', status: 'False', message: 'not yet', reason: 'Wait' }],
      },
    });
    if (nodeName === undefined) return;
    const port = await this.#listen(name, part);
    const ports = [{ name: owners[part].port, containerPort: port }];
    // Of the container that it is about; others stay as they are.
    this.api.patch(kinds.pods, name, { spec: { containers: [{ ...container, ports }] } });
    const { ledgerOf } = this.#options;
    if (part === 'server' && ledgerOf !== undefined) {
      const ports = [{ name: 'ledger', containerPort: await ledgerOf(name) }];
      this.api.patch(kinds.pods, name, { spec: { initContainers: [{ name: 'ledger', image: 'x', ports }] } });
    }
    later(10, () => {
      this.#status(name, {
        phase: 'Running',
        podIP: '127.0.0.1',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: part, restartCount: 0 }],
      });
      if (part === 'server') memoryStore(this.registry.slice(7)).set(endpoint({ host: '127.0.0.1', port }));
    });
  }

  /** What listens at the pod's one port: `/nodes` of a gateway, `srvr` of ZooKeeper. */
  async #listen(pod: string, part: Part): Promise<number> {
    const server =
      part === 'gateway'
        ? createHttpServer((_request, response) => {
            if (!this.answering) response.writeHead(503);
            response.end(JSON.stringify({ nodes: this.answering ? this.#nodes() : [] }));
          })
        : createServer((socket) => {
            socket.on('error', () => {}).once('data', () => socket.end(`Mode: ${this.#modeOf(pod)}\n`));
          });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#listeners.set(pod, server);
    if (this.#closed) server.close();
    return (server.address() as AddressInfo).port;
  }

  #nodes(): object[] {
    return this.pods('server')
      .filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)
      .map((pod) => {
        const { spec } = pod as unknown as kinds.Pod;
        const addr = `127.0.0.1:${spec.containers[0]!.ports![0]!.containerPort}`;
        const weights = { base: 1024, weight: 1024, share: 1, inFlight: this.inFlight, lastCause: null };
        return { id: addr, addr, state: 'live', ...weights };
      });
  }

  /** The first of several leads. */
  #modeOf(pod: string): string {
    const members = this.pods('zookeeper').filter(isReady);
    if (members.length < 2) return 'standalone';
    return members[0]!.metadata.name === pod ? 'leader' : 'follower';
  }

  #terminate(name: string): void {
    const { metadata, status } = this.api.find(kinds.pods, name);
    if (metadata.deletionTimestamp !== undefined) return;
    const port = (this.api.find(kinds.pods, name) as kinds.Pod).spec.containers[0]!.ports![0]!.containerPort;
    memoryStore(this.registry.slice(7)).delete(`127.0.0.1:${port}`);
    this.api.patch(kinds.pods, name, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    const [container] = status?.containerStatuses ?? [];
    later(this.endsAfter, () => {
      if (this.#closed) return;
      const state = { terminated: { exitCode: this.exitCode } };
      this.#status(name, {
        conditions: [{ type: 'Ready', status: 'False' }],
        ...(container !== undefined && { containerStatuses: [{ ...container, state }] }),
      });
      this.#silence(name);
      later(10, () => this.api.delete(kinds.pods, name));
    });
  }

  #silence(pod: string): void {
    (this.#listeners.get(pod) ?? nothing).close();
    this.#listeners.delete(pod);
  }

  #status(pod: string, status: object): void {
    this.api.patch(kinds.pods, pod, { status });
  }

  /** An autoscaler keeps to its bounds. */
  #autoscale(object: FakeObject): void {
    const { minReplicas = 1, maxReplicas } = object.spec as kinds.Autoscaler['spec'];
    const { replicas = 1 } = this.api.find(kinds.deployments, 'lt-server').spec;
    const wanted = Math.min(maxReplicas, Math.max(minReplicas, replicas));
    if (wanted !== replicas) this.api.patch(kinds.deployments, 'lt-server', { spec: { replicas: wanted } });
  }
}

function isReady({ status }: FakeObject): boolean {
  const { conditions = [] } = (status ?? {}) as NonNullable<kinds.Pod['status']>;
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

function pick({ updatedReplicas = 0, readyReplicas = 0 }: NonNullable<kinds.Workload['status']> = {}): object {
  return { updatedReplicas, readyReplicas };
}

function labelOf(metadata: FakeObject['metadata'], label: string): string | undefined {
  return (metadata.labels as Record<string, string> | undefined)?.[label];
}
