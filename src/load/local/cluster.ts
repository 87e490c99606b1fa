import type { Clock } from '../../core/clock.ts';
import type { Books } from '../books.ts';
import type { Cluster, ClusterState, Deed, Incident, NodeState } from '../cluster.ts';
import { readExecutions } from '../ledger.ts';
import type { Step } from '../scenario.ts';
import { environment } from './environment.ts';
import { Fleet } from './fleet.ts';
import { LocalGateway } from './gateway.ts';
import type { ProcessGuard } from './guard.ts';
import { watchRegistry } from './observer.ts';
import type { LocalServer } from './server.ts';
import { embeddedZooKeeper, existingZooKeeper, type LocalZooKeeper } from './zookeeper.ts';

export interface LocalClusterOptions {
  /** How evenkeel is run: program and first arguments, e.g. `[process.execPath, '/app/src/cli/main.ts']`. */
  command: readonly string[];
  /** What the servers serve: path of a module. */
  module: string;
  /** Worker processes of each server. */
  processes: number;
  /** A ZooKeeper that runs already. Default: the embedded one is started. */
  zookeeper?: { host: string; port: number } | undefined;
  /** Folder of the handlers' books. */
  ledger: string;
  /** More arguments for `evenkeel serve` and `evenkeel gateway`, for tests that switch protection off. */
  serverArguments?: readonly string[];
  gatewayArguments?: readonly string[];
  guard: ProcessGuard;
  clock: Clock;
}

/** Folder in ZooKeeper. Always the same, so that runs leave nothing behind but two empty folders. */
const folder = '/evenkeel-demo/pi';
/** How long the whole may take to come up, and one step of a rolling restart, ms. */
const startPatience = 60_000;
const stepPatience = 40_000;
/** How long to look for a moment with calls in flight, ms. */
const aimPatience = 2000;

/** Servers, a gateway and ZooKeeper as processes of this machine. */
export class LocalCluster implements Cluster {
  readonly kind = 'local processes';
  readonly keepsBooks = true;
  readonly #options: LocalClusterOptions;
  readonly #zookeeper: LocalZooKeeper;
  readonly #fleet: Fleet;
  readonly #incidents: Incident[] = [];
  readonly #closing = new AbortController();
  readonly #now: () => number;
  #gateway: LocalGateway | undefined;
  #watching: Promise<void> | undefined;
  #registered: readonly string[] | undefined;

  constructor(options: LocalClusterOptions) {
    const { command, guard, clock, zookeeper } = options;
    this.#options = options;
    this.#zookeeper = zookeeper ? existingZooKeeper(zookeeper) : embeddedZooKeeper({ command, guard, clock });
    const offset = clock.wallTime() - clock.now();
    this.#now = () => clock.now() + offset;
    this.#fleet = new Fleet({
      ...options,
      command: () => {
        const { module, serverArguments = [] } = options;
        return [...command, 'serve', module, '--registry', this.#registryUrl, ...serverArguments];
      },
      now: this.#now,
      onIncident: (incident) => this.#incidents.push(incident),
      signal: this.#closing.signal,
    });
  }

  get gatewayUrl(): string {
    if (this.#gateway === undefined) throw new Error('the cluster is not started');
    return this.#gateway.url;
  }

  async start(servers: number): Promise<void> {
    const { clock } = this.#options;
    await this.#zookeeper.start();
    this.#watching = watchRegistry(this.#registryUrl, clock, this.#closing.signal, (addresses) => this.#see(addresses));
    this.#watching.catch(() => {});
    await this.#until(() => this.#registered !== undefined, 20_000, 'ZooKeeper does not answer');
    if (this.#registered!.length > 0) {
      const what = `${folder} in ZooKeeper holds servers already (${this.#registered!.join(', ')}): another demo runs there`;
      await this.#until(() => this.#registered?.length === 0, 15_000, what);
    }
    await Promise.all([this.scale(servers), this.#startGateway()]);
    await this.#until(
      () => this.#fleet.ready === servers && this.#live.length === servers,
      startPatience,
      () => {
        const cause = this.#gateway?.nodes.find(({ state }) => state !== 'live')?.cause;
        const seen = `the gateway calls ${this.#live.length}`;
        return `${this.#fleet.ready} of ${servers} servers are ready, ${seen}${cause ? ` (${cause})` : ''}`;
      },
    );
    this.#fleet.supervised = true;
  }

  refusal(step: Step): string | undefined {
    switch (step.do) {
      case 'drain':
        return 'all processes are on this one machine, so there is no other that could take over';
      case 'gateway':
        return 'there is one gateway at one port, so nobody would answer while it is replaced';
      case 'hpa':
        return 'there is no autoscaler for local processes';
      case 'zookeeper-leader':
        return 'ZooKeeper is a single process, so there is no leader whom others could replace';
      case 'zookeeper-all':
        return this.#options.zookeeper && 'the ZooKeeper named is not ours to kill; zookeeper-away cuts it off';
      default:
        return undefined;
    }
  }

  async scale(servers: number): Promise<Deed> {
    const at = this.#now();
    this.#fleet.desired = servers;
    const started = await this.#fleet.fill();
    const told = this.#fleet.wanted.slice(servers);
    for (const server of told) server.stop();
    return { at, servers: [...started, ...told].map(({ name }) => name), proof: [] };
  }

  async kill(count: number): Promise<Deed> {
    const victims = this.#fleet.oldest(count);
    // Asked for first: nothing slow may stand between the aim and the shot.
    const members = victims.map(({ group }) => group.members);
    await this.#aim(victims);
    const at = this.#now();
    const proof = await Promise.all(victims.map((server, index) => server.kill(members[index]!)));
    await this.#fleet.fill();
    const working = this.#working(victims, members.flat());
    return { at, servers: victims.map(({ name }) => name), working, proof: proof.flat() };
  }

  async freeze(count: number, ms: number): Promise<Deed> {
    const victims = this.#fleet.oldest(count);
    await this.#aim(victims);
    const at = this.#now();
    const stood = await Promise.all(victims.map((server) => server.group.freeze()));
    const working = this.#working(
      victims,
      victims.flatMap(({ group }) => group.members),
    );
    await this.#options.clock.sleep(ms, this.#closing.signal);
    const until = this.#now();
    const still = victims.map((server) => server.group.thaw(ms));
    return { at, until, servers: victims.map(({ name }) => name), working, proof: [...stood, ...still].flat() };
  }

  async zookeeperAway(ms: number): Promise<Deed> {
    const at = this.#now();
    const gone = await this.#zookeeper.takeAway();
    await this.#options.clock.sleep(Math.max(0, at + ms - this.#now()), this.#closing.signal);
    const still = await this.#zookeeper.stillAway();
    const until = this.#now();
    await this.#zookeeper.bringBack();
    return {
      at,
      until,
      servers: [],
      proof: [...gone, ...still.map(({ what, holds }) => ({ what: `still ${what}`, holds }))],
    };
  }

  async rolling(): Promise<Deed> {
    const at = this.#now();
    const old = this.#fleet.wanted;
    for (const server of old) {
      const next = await this.#fleet.startOne();
      const isLive = () => this.#live.some((node) => node.server === next.name);
      await this.#until(() => next.phase === 'ready' && isLive(), stepPatience, `${next.name} does not come up`);
      server.stop();
      await this.#until(() => server.goneAt !== undefined, stepPatience, `${server.name} does not end`);
    }
    return { at, until: this.#now(), servers: old.map(({ name }) => name), proof: [] };
  }

  async killZookeeper(): Promise<Deed> {
    const at = this.#now();
    const proof = await this.#zookeeper.takeAway();
    await this.#zookeeper.bringBack();
    return { at, until: this.#now(), servers: [], proof };
  }

  // What the refusal keeps from ever being asked.
  drain = () => this.#refuse('drain');
  rollGateways = () => this.#refuse('gateway');
  killZookeeperLeader = () => this.#refuse('zookeeper-leader');

  state(): ClusterState {
    return {
      at: this.#now(),
      desired: this.#fleet.desired,
      ready: this.#fleet.ready,
      registered: this.#registered?.length,
      servers: this.#fleet.all.map((server) => server.state()),
      desiredGateways: 1,
      gateways: this.#gateway === undefined ? [] : [this.#gateway.state()],
    };
  }

  incidents(): readonly Incident[] {
    return this.#incidents;
  }

  usage(): readonly [] {
    return [];
  }

  environment(): Record<string, string> {
    const { processes } = this.#options;
    return environment({
      cluster: `${this.kind}, servers of ${processes} ${processes === 1 ? 'process' : 'processes'}, 1 gateway`,
      zookeeper: this.#zookeeper.description,
    });
  }

  async books(): Promise<Books> {
    // What a server still works on ends with it: nothing is written any more when it is read.
    await this.close();
    return { executions: readExecutions(this.#options.ledger), gaps: [] };
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the cluster is being closed'));
    await Promise.all([this.#fleet.close(), this.#gateway?.close()]);
    await this.#watching?.catch(() => {});
    await this.#zookeeper.close();
  }

  #refuse(name: 'drain' | 'gateway' | 'zookeeper-leader'): Promise<never> {
    return Promise.reject(new Error(this.refusal({ at: 0, do: name })));
  }

  get #registryUrl(): string {
    return `zookeeper://${this.#zookeeper.address}${folder}`;
  }

  /** Those that the gateway calls. */
  get #live(): readonly NodeState[] {
    return this.#gateway?.nodes.filter(({ state }) => state === 'live') ?? [];
  }

  /** Waits for a moment in which each of them has calls in flight, two if possible; not for ever. */
  async #aim(victims: readonly LocalServer[]): Promise<void> {
    const { clock } = this.#options;
    const began = clock.now();
    for (;;) {
      const waited = clock.now() - began;
      if (waited >= aimPatience) return;
      const wanted = waited < aimPatience / 2 ? 2 : 1;
      const nodes = (await this.#gateway?.ask()) ?? [];
      const busy = ({ name }: LocalServer) =>
        nodes.some(({ server, inFlight }) => server === name && inFlight >= wanted);
      if (victims.every(busy)) return;
      await clock.sleep(5, this.#closing.signal);
    }
  }

  /** How many calls servers have begun and not ended: they are dead, or stand still. */
  #working(victims: readonly LocalServer[], pids: readonly number[]): number {
    const names = victims.map(({ name }) => name);
    return readExecutions(this.#options.ledger, pids).filter(
      ({ ended, writer }) => ended === undefined && names.includes(writer.server),
    ).length;
  }

  async #startGateway(): Promise<void> {
    const { command, guard, clock, gatewayArguments = [] } = this.#options;
    const gateway = await LocalGateway.start({
      command: [...command, 'gateway', '--registry', this.#registryUrl, ...gatewayArguments],
      guard,
      clock,
      serverAt: (address) => this.#fleet.at(address)?.name,
    });
    this.#gateway = gateway;
    if (this.#closing.signal.aborted) await gateway.close();
    gateway.group.exited.then((how) => {
      if (this.#closing.signal.aborted) return;
      this.#incidents.push({ at: this.#now(), what: `the gateway ended by itself: ${how}` });
    });
    await this.#until(() => gateway.ready, startPatience, 'the gateway does not become ready');
  }

  #see(addresses: readonly string[] | undefined): void {
    this.#registered = addresses;
    if (addresses === undefined) return;
    for (const server of this.#fleet.all) server.registration.see(addresses.includes(server.address), this.#now());
  }

  /** Waits for a condition. Throws what is missing when it takes too long, or when a process has ended meanwhile. */
  async #until(condition: () => boolean, ms: number, missing: string | (() => string)): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + ms;
    const incidents = this.#incidents.length;
    while (!condition()) {
      const said = typeof missing === 'string' ? missing : missing();
      if (this.#incidents.length > incidents) {
        const dead = [...this.#fleet.all.map(({ group }) => group), ...(this.#gateway ? [this.#gateway.group] : [])];
        const words = dead.find((group) => group.ended && group.lastWords !== '')?.lastWords ?? '';
        throw new Error(`${this.#incidents.at(-1)!.what}${words === '' ? '' : `. It said: ${words}`}`);
      }
      if (clock.now() >= deadline) throw new Error(`${said}, after ${ms / 1000} s`);
      await clock.sleep(20, this.#closing.signal);
    }
  }
}
