import type { Clock } from '../../core/clock.ts';
import type { AutoscalerState, ClusterState, Incident, Proof, ServerState } from '../cluster.ts';
import type { Api } from './api.ts';
import { Changes } from './changes.ts';
import { GatewayViews } from './gateway-views.ts';
import { Hearing } from './hearing.ts';
import {
  type Autoscaler,
  autoscalers,
  deployments,
  type Kind,
  type KubeObject,
  pods,
  selectorOf,
  statefulSets,
  type Workload,
} from './objects.ts';
import type { Component, PodLife } from './pod-life.ts';
import { Population } from './population.ts';
import { registryUrl } from './registry-url.ts';
import { RegistryWatch } from './registry-watch.ts';
import type { Release } from './release.ts';
import { SliceWatch } from './slice-watch.ts';
import { Watched } from './watched.ts';

export interface SiteOptions {
  api: Api;
  release: Release;
  clock: Clock;
  /** Who changes things here: the name of the conductor's pod. */
  by: string;
  /** Told what people should know of what is put back. */
  say: (sentence: string) => void;
  /** The conductor's own node, which must not be emptied; undefined if it is on none. */
  ownNode: string | undefined;
  /** Default: what the gateways' manifest says. */
  registry: string | undefined;
  registryAuth: string | undefined;
  /** Aborted when nothing may be done any more. */
  signal: AbortSignal;
}

/** How late news may be of what was done, ms: each kind of objects has a stream of its own. */
const lateness = 2_000;

/** How often a condition is looked at that is waited for, ms. */
const period = 50;

/** A release, as it is seen right now, and what deeds need to work on it. */
export class Site {
  readonly api: Api;
  readonly release: Release;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly ownNode: string | undefined;
  readonly changes: Changes;
  readonly population: Population;
  readonly gateways: GatewayViews;
  /** What Kubernetes itself publishes; undefined where servers have no Service. */
  readonly slices: { readonly server: SliceWatch | undefined; readonly gateway: SliceWatch };
  readonly incidents: Incident[] = [];
  readonly #deployments: Watched<Workload>;
  readonly #statefulSets: Watched<Workload>;
  readonly #autoscalers: Watched<Autoscaler>;
  readonly #watches: readonly { start(): Promise<void>; close(): Promise<void> }[];
  readonly #hearing: Hearing;
  /** How many works are under way, and when the last one ended, ms on the clock. */
  #underWay = 0;
  #idleSince = Number.NEGATIVE_INFINITY;
  readonly #options: SiteOptions;
  readonly #offset: number;
  #registry: RegistryWatch | undefined;

  constructor(options: SiteOptions) {
    const { api, release, clock, by, say, ownNode, signal } = options;
    this.api = api;
    this.release = release;
    this.clock = clock;
    this.signal = signal;
    this.ownNode = ownNode;
    this.#options = options;
    this.#offset = clock.wallTime() - clock.now();
    this.changes = new Changes({ api, release, by, say });
    this.population = new Population(
      () => this.now(),
      (incident) => this.incidents.push(incident),
      (component) => this.#mayShrink(component),
    );
    this.#hearing = new Hearing({
      ...{ clock, say },
      now: () => this.now(),
      onIncident: (incident) => this.incidents.push(incident),
    });
    this.gateways = new GatewayViews(this.population, clock);
    const selector = selectorOf(release.name);
    this.#deployments = this.#watch(deployments, { selector });
    this.#statefulSets = this.#watch(statefulSets, { selector });
    // It may be the user's own, with other labels.
    this.#autoscalers = this.#watch(autoscalers, {});
    const watchedPods = this.#watch(pods, {
      selector,
      onPut: (pod) => this.population.put(pod),
      onGone: (pod) => this.population.gone(pod),
    });
    const slicesOf = (service: string) => new SliceWatch({ api, service, clock, now: () => this.now() });
    const { server, gateway } = release.services;
    this.slices = { server: server === undefined ? undefined : slicesOf(server), gateway: slicesOf(gateway) };
    this.#watches = [
      ...[this.#deployments, this.#statefulSets, this.#autoscalers, watchedPods],
      ...Object.values(this.slices).filter((watched) => watched !== undefined),
    ];
  }

  /** Resolves when all is known that there is. Rejects with a sentence. */
  async open(): Promise<void> {
    await Promise.all(this.#watches.map((watched) => watched.start()));
    this.population.complete = true;
    const { registry = registryUrl(this.deployment('gateway'), this.release), registryAuth, clock } = this.#options;
    if (registry === undefined) return;
    this.#registry = new RegistryWatch({
      url: registry,
      auth: registryAuth,
      clock,
      now: () => this.now(),
      onNews: (addresses) => {
        if (addresses !== undefined) this.population.seeRegistered(addresses);
      },
    });
  }

  /** ms since 1970, carried on by a clock that does not jump. */
  now(): number {
    return this.clock.now() + this.#offset;
  }

  get registry(): RegistryWatch | undefined {
    return this.#registry;
  }

  deployment(component: 'server' | 'gateway'): Workload {
    const name = this.release[component];
    const found = this.#deployments.named(name);
    if (found === undefined) throw new Error(`the Deployment ${name} is gone`);
    return found;
  }

  get zookeeper(): Workload | undefined {
    const { zookeeper } = this.release;
    return zookeeper === undefined ? undefined : this.#statefulSets.named(zookeeper);
  }

  /** What decides how many servers there are. */
  get autoscaler(): Autoscaler | undefined {
    return this.#autoscalers.all.find(
      ({ spec: { scaleTargetRef } }) =>
        scaleTargetRef.kind === 'Deployment' && scaleTargetRef.name === this.release.server,
    );
  }

  state(): ClusterState {
    const { population, slices, zookeeper, autoscaler } = this;
    return {
      at: this.now(),
      desired: replicasOf(this.deployment('server')),
      ready: population.ready('server').length,
      registered: this.#registry?.addresses?.length,
      published: slices.server?.count,
      servers: population.all('server').map((life) => this.#stateOf(life)),
      desiredGateways: replicasOf(this.deployment('gateway')),
      publishedGateways: slices.gateway.count,
      gateways: this.gateways.states(),
      ...(zookeeper !== undefined && {
        zookeeper: { desired: replicasOf(zookeeper), ready: population.ready('zookeeper').length },
      }),
      ...(autoscaler !== undefined && { autoscaler: stateOf(autoscaler, this.deployment('server')) }),
    };
  }

  /** Does something that may tell pods to go: at any other time somebody else does. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work();
    } finally {
      this.#underWay--;
      this.#idleSince = this.clock.now();
    }
  }

  /** Waits for a condition; throws what is missing when that takes longer than `ms`. */
  async until(condition: () => boolean, ms: number, missing: () => string): Promise<void> {
    const deadline = this.clock.now() + ms;
    while (!condition()) {
      if (this.clock.now() >= deadline) throw new Error(`${missing()}, after ${ms / 1000} s`);
      await this.clock.sleep(period, this.signal);
    }
  }

  /** Waits for a condition, and gives the proof of what it means, whether or not it came to be in time. */
  async proof(what: string, condition: () => boolean, ms: number): Promise<Proof> {
    const deadline = this.clock.now() + ms;
    while (!condition() && this.clock.now() < deadline) await this.clock.sleep(period, this.signal);
    return { what, holds: condition() };
  }

  async close(): Promise<void> {
    this.gateways.close();
    await Promise.all([...this.#watches.map((watched) => watched.close()), this.#registry?.close()]);
    this.#hearing.close();
  }

  /** Whether pods of a component may be told to go right now: by what is done here, or by an autoscaler that may choose. */
  #mayShrink(component: Component): boolean {
    if (this.signal.aborted || this.#underWay > 0 || this.clock.now() - this.#idleSince < lateness) return true;
    return this.#autoscalers.all.some(
      ({ spec: { scaleTargetRef, minReplicas = 1, maxReplicas } }) =>
        scaleTargetRef.name === this.release[component] && minReplicas < maxReplicas,
    );
  }

  #stateOf(server: PodLife): ServerState {
    const unpublishedAt = this.slices.server?.withdrawnAt(server.uid);
    return { ...server.state(), ...(unpublishedAt !== undefined && { unpublishedAt }) };
  }

  #watch<T extends KubeObject>(
    kind: Kind<T>,
    more: Pick<ConstructorParameters<typeof Watched<T>>[0], 'selector' | 'onPut' | 'onGone'>,
  ): Watched<T> {
    const { api, clock } = this.#options;
    return new Watched({
      api,
      kind,
      clock,
      ...more,
      onTrouble: (error) => {
        if (error === undefined) this.#hearing.heard(kind.plural);
        else this.#hearing.lost(kind.plural, error.message);
      },
    });
  }
}

export function replicasOf({ spec }: Workload): number {
  return spec.replicas ?? 1;
}

function stateOf({ spec, status }: Autoscaler, server: Workload): AutoscalerState {
  // 0: it has not looked yet, and leaves all as it is.
  return { min: spec.minReplicas ?? 1, max: spec.maxReplicas, desired: status?.desiredReplicas || replicasOf(server) };
}
