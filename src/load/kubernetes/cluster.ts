import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../core/clock.ts';
import type { Books } from '../books.ts';
import type { Cluster, ClusterState, Deed, Incident } from '../cluster.ts';
import type { Scenario, Step } from '../scenario.ts';
import type { UsageSample } from '../usage.ts';
import { within } from '../within.ts';
import { Bookkeeper } from './bookkeeper.ts';
import { restoreLeftovers } from './changes.ts';
import { connectApi } from './connect.ts';
import { drain } from './drain.ts';
import { environmentOf } from './environment.ts';
import { type Facts, gatherFacts } from './facts.ts';
import { freeze, kill } from './faults.ts';
import { processName } from './process-name.ts';
import { lacking, refusalOf, rightsToScale } from './refusal.ts';
import { findRelease } from './release.ts';
import { roll } from './roll.ts';
import { scale } from './scale.ts';
import { Site } from './site.ts';
import { waitUntilUp } from './up.ts';
import { UsageWatch } from './usage-watch.ts';
import { killAll, killLeader, takeAway } from './zookeeper.ts';

export interface KubernetesClusterOptions {
  /** Name of the release. Default: the only one in the namespace. */
  release?: string | undefined;
  /** Default: the pod's own, or the kubeconfig's. */
  namespace?: string | undefined;
  /** What will be played: an autoscaler that it waits for is left alone, any other is held to what is ordered. */
  scenario: Pick<Scenario, 'events'>;
  /** URL of the registry. Default: what the gateways' manifest says. */
  registry?: string | undefined;
  /** The secret for it, e.g. `digest:USER:PASSWORD`. Default: none. */
  registryAuth?: string | undefined;
  /** Base URL that calls go to. Default: the address of the gateways' Service. */
  gatewayUrl?: string | undefined;
  /** The conductor's own pod. Default: the environment's POD_NAME, else host and process. */
  podName?: string | undefined;
  /** The conductor's own node, which is never emptied. Default: the environment's NODE_NAME. */
  nodeName?: string | undefined;
  /** Told what is to be known, a sentence each: what an earlier load test had left, what could not be put back. */
  say?: ((sentence: string) => void) | undefined;
  /** Fills the configuration of the client. Default: kubeconfig, else the pod's service account. */
  configure?: ((config: KubeConfig) => void) | undefined;
  clock: Clock;
}

/** How long a deed that was interrupted may take to end, ms: longer than a request to the API server. */
const endPatience = 12_000;

/** A release of the chart, conducted from a pod of its cluster, or from wherever pods are reached by their addresses. */
export class KubernetesCluster implements Cluster {
  readonly kind = 'Kubernetes';
  readonly #options: KubernetesClusterOptions;
  readonly #closing = new AbortController();
  /** The scenario waits for the autoscaler. */
  readonly #autoscaled: boolean;
  #site: Site | undefined;
  #facts: Facts | undefined;
  #books: Bookkeeper | undefined;
  #usage: UsageWatch | undefined;
  readonly #doing = new Set<Promise<Deed>>();
  #environment: Record<string, string> = {};
  #starting: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: KubernetesClusterOptions) {
    this.#options = options;
    this.#autoscaled = options.scenario.events.some((step) => step.do === 'hpa');
  }

  get gatewayUrl(): string {
    return this.#options.gatewayUrl ?? this.#here.release.gatewayUrl;
  }

  /** Name of the release. Known once `start` has resolved. */
  get release(): string {
    return this.#here.release.name;
  }

  get keepsBooks(): boolean {
    return this.#here.population.ready('server').some((life) => life.at('ledger') !== undefined);
  }

  start(servers: number): Promise<void> {
    this.#starting ??= this.#start(servers);
    return this.#starting;
  }

  refusal(step: Step): string | undefined {
    // Before it is started nothing is known of the release.
    if (this.#site === undefined || this.#facts === undefined) return undefined;
    return refusalOf(step, this.#site, this.#facts);
  }

  scale(servers: number): Promise<Deed> {
    return this.#do((site) => scale(site, servers, !this.#autoscaled));
  }

  kill(count: number): Promise<Deed> {
    return this.#do((site) => kill(site, this.#books!, count));
  }

  freeze(count: number, ms: number): Promise<Deed> {
    return this.#do((site) => freeze(site, this.#books!, count, ms));
  }

  rolling(): Promise<Deed> {
    return this.#do((site) => roll(site, 'server'));
  }

  drain(): Promise<Deed> {
    return this.#do((site) => drain(site));
  }

  rollGateways(): Promise<Deed> {
    return this.#do((site) => roll(site, 'gateway'));
  }

  zookeeperAway(ms: number): Promise<Deed> {
    return this.#do((site) => takeAway(site, ms));
  }

  killZookeeperLeader(): Promise<Deed> {
    return this.#do((site) => killLeader(site));
  }

  killZookeeper(): Promise<Deed> {
    return this.#do((site) => killAll(site));
  }

  state(): ClusterState {
    return this.#here.state();
  }

  incidents(): readonly Incident[] {
    return this.#site?.incidents ?? [];
  }

  usage(): readonly UsageSample[] {
    return this.#usage?.samples ?? [];
  }

  environment(): Record<string, string> {
    return this.#environment;
  }

  async books(): Promise<Books | undefined> {
    // What was changed is put back first: who is told to end may have little time.
    const restoring = this.#restore();
    const books = await this.#books?.close();
    await restoring;
    return books;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #start(servers: number): Promise<void> {
    const { signal } = this.#closing;
    const { clock, namespace, configure, release: name, registry, registryAuth, say = () => {} } = this.#options;
    const api = await connectApi({ clock, namespace, configure });
    const release = await findRelease(api, name);
    const by = this.#options.podName ?? process.env.POD_NAME ?? processName();
    const left = await restoreLeftovers({ api, release, by });
    for (const sentence of left.restored) say(sentence);
    // A closed node or a ZooKeeper that is away would be under test with the rest.
    if (left.problems.length > 0) {
      throw new Error(`${left.problems.join('; ')}; who may do that does it by \`evenkeel loadtest cleanup\``);
    }
    signal.throwIfAborted();
    const ownNode = this.#options.nodeName ?? process.env.NODE_NAME;
    const site = new Site({ api, release, clock, by, say, ownNode, registry, registryAuth, signal });
    this.#site = site;
    await site.during(() => this.#bringUp(site, servers));
  }

  async #bringUp(site: Site, servers: number): Promise<void> {
    const { clock } = this.#options;
    await site.open();
    this.#facts = await gatherFacts(site);
    this.#environment = await environmentOf(site, this.#facts);
    site.signal.throwIfAborted();
    this.#usage = new UsageWatch(site.population, clock, () => site.now());
    this.#books = new Bookkeeper(site.population, clock, () => site.now());
    await this.#reach(site, this.#facts, servers);
    await waitUntilUp(site, this.#autoscaled ? undefined : servers);
    await this.#books.begin();
    // It knows of disruption budgets only what they say while all is well.
    this.#facts = await gatherFacts(site);
  }

  /** Has the number of servers with which the scenario begins. */
  async #reach(site: Site, facts: Facts, servers: number): Promise<void> {
    const { autoscaler } = site;
    const { minReplicas: min = 1, maxReplicas: max = 0 } = autoscaler?.spec ?? {};
    if (this.#autoscaled && autoscaler !== undefined && (servers < min || servers > max)) {
      const keeps = `the autoscaler ${autoscaler.metadata.name} keeps ${min} to ${max} servers`;
      throw new Error(`${keeps}, and the scenario begins with ${servers}`);
    }
    const reached = site.state().desired === servers;
    if (reached && (autoscaler === undefined || this.#autoscaled)) return;
    const why = lacking(site, facts, rightsToScale(site));
    if (why !== undefined) throw new Error(`the scenario begins with ${servers} servers, and ${why}`);
    await scale(site, servers, !this.#autoscaled);
  }

  async #close(): Promise<void> {
    const { say = () => {} } = this.#options;
    for (const sentence of await this.#restore()) say(`${sentence}; \`evenkeel loadtest cleanup\` does it later`);
    this.#usage?.close();
    await Promise.all([this.#books?.abandon(), this.#site?.close()]);
  }

  /** Ends what is under way, and puts everything back. Gives a sentence for each that could not be. */
  async #restore(): Promise<string[]> {
    this.#closing.abort(new Error('the load test is over'));
    // What is just about to be changed must not be changed when all has been put back.
    await this.#starting?.catch(() => {});
    await within(this.#options.clock, endPatience, Promise.allSettled(this.#doing));
    return (await this.#site?.changes.undoAll()) ?? [];
  }

  /** Has a deed done, and knows of it until it is. */
  async #do(deed: (site: Site) => Promise<Deed>): Promise<Deed> {
    const site = this.#here;
    const doing = site.during(() => deed(site));
    this.#doing.add(doing);
    return doing.finally(() => this.#doing.delete(doing));
  }

  get #here(): Site {
    if (this.#site === undefined) throw new Error('the cluster is not started');
    return this.#site;
  }
}
