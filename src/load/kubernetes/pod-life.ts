import { isoInstant } from '../../core/clock.ts';
import { address } from '../../core/endpoint.ts';
import type { ServerState } from '../cluster.ts';
import { Registration } from '../registration.ts';
import { type ContainerStatus, labels, type Pod } from './objects.ts';

export const components = ['server', 'gateway', 'zookeeper'] as const;
export type Component = (typeof components)[number];

/** What the main container of a component is called by: a port that only it has. */
const mainPort: Record<Component, string> = { server: 'rpc', gateway: 'http', zookeeper: 'client' };

/** Of a pod from its first day to its last. Times in ms since 1970, when the news came here. */
export class PodLife {
  readonly component: Component;
  readonly startedAt: number;
  readonly registration = new Registration();
  readyAt: number | undefined;
  stoppedAt: number | undefined;
  /** What it is about has ended; what else runs in the pod may not have. */
  goneAt: number | undefined;
  /** Kubernetes has forgotten it: nothing of it runs any more. */
  removedAt: number | undefined;
  /** Its main container was killed by us so often. */
  kills = 0;
  #pod: Pod;

  /** @param known it was there before we looked, so it began when it says */
  constructor(pod: Pod, component: Component, now: number, known: boolean) {
    this.component = component;
    const created = isoInstant(pod.metadata.creationTimestamp ?? '');
    this.startedAt = known && created < now ? created : now;
    this.#pod = pod;
    this.see(pod, now);
  }

  /** The pod is like this now. */
  see(pod: Pod, now: number): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) this.stoppedAt ??= now;
    if (this.#says('Ready') && this.stoppedAt === undefined) this.readyAt ??= now;
    // What else runs in the pod may outlive the program that it is about.
    const told = this.stoppedAt !== undefined && this.main?.state?.terminated !== undefined;
    const over = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
    if (told || over) this.goneAt ??= now;
  }

  get pod(): Pod {
    return this.#pod;
  }

  get uid(): string {
    return this.#pod.metadata.uid;
  }

  get name(): string {
    return this.#pod.metadata.name;
  }

  get node(): string | undefined {
    return this.#pod.spec.nodeName;
  }

  get phase(): ServerState['phase'] {
    if (this.goneAt !== undefined) return 'gone';
    if (this.stoppedAt !== undefined) return 'stopping';
    if (this.readyAt === undefined) return 'starting';
    return this.#says('Ready') ? 'ready' : 'unready';
  }

  /** The container that it is about, as it is now. */
  get main(): ContainerStatus | undefined {
    return this.#pod.status?.containerStatuses?.find(({ name }) => name === this.container);
  }

  /** Its name. */
  get container(): string {
    const { containers } = this.#pod.spec;
    const main = containers.find(({ ports }) => ports?.some(({ name }) => name === mainPort[this.component]));
    return (main ?? containers[0]!).name;
  }

  /** host:port of a port by its name; undefined while the pod has no address, or where there is no such port. */
  at(portName: string): string | undefined {
    const host = this.#pod.status?.podIP;
    const { containers, initContainers = [] } = this.#pod.spec;
    const port = [...containers, ...initContainers]
      .flatMap(({ ports = [] }) => ports)
      .find(({ name }) => name === portName)?.containerPort;
    return host === undefined || host === '' || port === undefined ? undefined : address({ host, port });
  }

  /** Why it is not ready yet, in the words of Kubernetes; empty if nothing is said. */
  get complaint(): string {
    const said = this.#pod.status?.conditions?.find(({ status, message = '' }) => status === 'False' && message !== '');
    return said === undefined ? '' : `${said.reason ?? said.type}: ${said.message}`;
  }

  state(): ServerState {
    const { name, phase, node, startedAt, readyAt, stoppedAt, goneAt } = this;
    const { since: registeredAt, until: unregisteredAt } = this.registration;
    return {
      name,
      address: this.at('rpc') ?? '',
      phase,
      ...(node !== undefined && { machine: node }),
      startedAt,
      ...(registeredAt !== undefined && { registeredAt }),
      ...(readyAt !== undefined && { readyAt }),
      ...(stoppedAt !== undefined && { stoppedAt }),
      ...(unregisteredAt !== undefined && { unregisteredAt }),
      ...(goneAt !== undefined && { goneAt }),
    };
  }

  #says(type: string): boolean {
    return (
      this.#pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
    );
  }
}

/** What a pod of the chart is; undefined for any other. */
export function componentOf({ metadata }: Pod): Component | undefined {
  const name = metadata.labels?.[labels.component];
  return components.find((component) => component === name);
}
