import type { Clock } from '../../core/clock.ts';
import type { Cluster, ClusterState, Deed, Incident, NodeState } from '../cluster.ts';
import { environment } from './environment.ts';
import { freePort } from './free-port.ts';
import type { ProcessGuard } from './guard.ts';
import { gatewayNodes, isReady, Poller, watchRegistry } from './observer.ts';
import { ProcessGroup } from './process-group.ts';
import { LocalServer } from './server.ts';
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
  readonly #options: LocalClusterOptions;
  readonly #zookeeper: LocalZooKeeper;
  readonly #servers: LocalServer[] = [];
  readonly #incidents: Incident[] = [];
  readonly #closing = new AbortController();
  readonly #now: () => number;
  #gateway: ProcessGroup | undefined;
  #gatewayPort = 0;
  #nodes: readonly NodeState[] = [];
  #poller: Poller | undefined;
  #watching: Promise<void> | undefined;
  #registered: readonly string[] | undefined;
  #desired = 0;
  /** Once all are there: a server that does not even start is a reason to give up, later ones are replaced. */
  #up = false;
  #started = 0;
  /** Servers on the way that are not in the list yet. */
  #starting = 0;

  constructor(options: LocalClusterOptions) {
    const { command, guard, clock, zookeeper } = options;
    this.#options = options;
    this.#zookeeper = zookeeper ? existingZooKeeper(zookeeper) : embeddedZooKeeper({ command, guard, clock });
    const offset = clock.wallTime() - clock.now();
    this.#now = () => clock.now() + offset;
  }

  get gatewayUrl(): string {
    return `http://127.0.0.1:${this.#gatewayPort}`;
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
    this.#poller = new Poller(clock, async () => {
      this.#nodes = (await this.#askNodes()) ?? [];
    });
    await this.#until(
      () => this.#ready === servers && live(this.#nodes).length === servers,
      startPatience,
      () => {
        const cause = this.#nodes.find(({ state }) => state !== 'live')?.cause;
        const seen = `the gateway calls ${live(this.#nodes).length}`;
        return `${this.#ready} of ${servers} servers are ready, ${seen}${cause ? ` (${cause})` : ''}`;
      },
    );
    this.#up = true;
  }

  async scale(servers: number): Promise<Deed> {
    const at = this.#now();
    this.#desired = servers;
    const started = await this.#replace();
    const told = this.#wanted.slice(servers);
    for (const server of told) server.stop();
    return { at, servers: [...started, ...told].map(({ name }) => name), proof: [] };
  }

  async kill(count: number): Promise<Deed> {
    const victims = await this.#aim(count);
    const at = this.#now();
    const proof = await Promise.all(victims.map((server) => server.kill()));
    await this.#replace();
    return { at, servers: victims.map(({ name }) => name), proof: proof.flat() };
  }

  async freeze(count: number, ms: number): Promise<Deed> {
    const victims = await this.#aim(count);
    const at = this.#now();
    const stood = await Promise.all(victims.map((server) => server.group.freeze()));
    await this.#options.clock.sleep(ms, this.#closing.signal);
    const until = this.#now();
    const still = victims.map((server) => server.group.thaw(ms));
    return { at, until, servers: victims.map(({ name }) => name), proof: [...stood, ...still].flat() };
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
    const old = this.#wanted;
    for (const server of old) {
      const next = await this.#startServer();
      const isLive = () => live(this.#nodes).some((node) => node.server === next.name);
      await this.#until(() => next.phase === 'ready' && isLive(), stepPatience, `${next.name} does not come up`);
      server.stop();
      await this.#until(() => server.goneAt !== undefined, stepPatience, `${server.name} does not end`);
    }
    return { at, until: this.#now(), servers: old.map(({ name }) => name), proof: [] };
  }

  state(): ClusterState {
    return {
      at: this.#now(),
      desired: this.#desired,
      ready: this.#ready,
      registered: this.#registered?.length,
      servers: this.#servers.map((server) => server.state()),
      nodes: this.#nodes,
    };
  }

  incidents(): readonly Incident[] {
    return this.#incidents;
  }

  environment(): Record<string, string> {
    const { processes } = this.#options;
    return environment({
      cluster: `${this.kind}, servers of ${processes} ${processes === 1 ? 'process' : 'processes'}, 1 gateway`,
      zookeeper: this.#zookeeper.description,
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the cluster is being closed'));
    this.#poller?.close();
    // The run is over and judged by its books: nobody needs these processes to end in good order any more.
    await Promise.all([...this.#servers.map((server) => server.close(0)), this.#gateway?.close(0)]);
    await this.#watching?.catch(() => {});
    await this.#zookeeper.close();
  }

  get #registryUrl(): string {
    return `zookeeper://${this.#zookeeper.address}${folder}`;
  }

  /** Servers that shall be there: neither told to stop nor gone. The oldest first. */
  get #wanted(): LocalServer[] {
    return this.#servers.filter(({ stoppedAt, goneAt }) => stoppedAt === undefined && goneAt === undefined);
  }

  get #ready(): number {
    return this.#servers.filter(({ phase }) => phase === 'ready').length;
  }

  /** The oldest ready servers, once each of them has calls in flight or the time for looking is over. */
  async #aim(count: number): Promise<LocalServer[]> {
    const victims = this.#wanted.filter(({ phase }) => phase === 'ready').slice(0, count);
    if (victims.length < count) throw new Error(`${victims.length} servers are ready, ${count} were to be hit`);
    const { clock } = this.#options;
    const deadline = clock.now() + aimPatience;
    while (clock.now() < deadline) {
      const nodes = (await this.#askNodes()) ?? [];
      const busy = (server: LocalServer) => nodes.some((node) => node.server === server.name && node.inFlight > 0);
      if (victims.every(busy)) break;
      await clock.sleep(5, this.#closing.signal);
    }
    return victims;
  }

  /** Starts as many servers as are missing. */
  #replace(): Promise<LocalServer[]> {
    const missing = Math.max(0, this.#desired - this.#wanted.length - this.#starting);
    return Promise.all(Array.from({ length: missing }, () => this.#startServer()));
  }

  async #startServer(): Promise<LocalServer> {
    this.#closing.signal.throwIfAborted();
    const name = `server-${++this.#started}`;
    this.#starting++;
    const server = await this.#newServer(name).finally(() => this.#starting--);
    this.#servers.push(server);
    // Closed while it was being started: close() did not see it.
    if (this.#closing.signal.aborted) await server.close(0);
    server.group.exited.then((how) => this.#ended(server, how));
    return server;
  }

  async #newServer(name: string): Promise<LocalServer> {
    const { command, module, processes, ledger, serverArguments = [], guard, clock } = this.#options;
    const [port, opsPort] = [await freePort(), await freePort()];
    return LocalServer.start({
      name,
      port,
      opsPort,
      command: [
        ...[...command, 'serve', module, '--registry', this.#registryUrl, '--listen', `127.0.0.1:${port}`],
        ...['--processes', String(processes), '--ops', `127.0.0.1:${opsPort}`, ...serverArguments],
      ],
      env: { EVENKEEL_LEDGER: ledger, EVENKEEL_LEDGER_NAME: name },
      guard,
      clock,
      now: this.#now,
    });
  }

  /** A server's primary has ended. What nobody ordered is written down, and the server replaced. */
  async #ended(server: LocalServer, how: string): Promise<void> {
    if (this.#closing.signal.aborted) return;
    if (!server.endedAsOrdered(how)) {
      const when = server.stoppedAt === undefined ? '' : ' when it was told to stop';
      const what = `${server.name} ended by itself${when}: ${how}`;
      this.#incidents.push({ at: this.#now(), what });
    }
    // Workers that outlive their primary would be killed with it by a container.
    await server.close(0);
    if (this.#up) await this.#replace();
  }

  async #startGateway(): Promise<void> {
    const { command, guard, clock, gatewayArguments = [] } = this.#options;
    this.#gatewayPort = await freePort();
    const listen = `127.0.0.1:${this.#gatewayPort}`;
    this.#gateway = await ProcessGroup.start({
      name: 'gateway',
      command: [...command, 'gateway', '--registry', this.#registryUrl, '--listen', listen, ...gatewayArguments],
      guard,
      clock,
    });
    this.#gateway.exited.then((how) => {
      if (!this.#closing.signal.aborted)
        this.#incidents.push({ at: this.#now(), what: `the gateway ended by itself: ${how}` });
    });
    let ready = false;
    const ask = async () => {
      ready = await isReady(`${this.gatewayUrl}/readyz`);
    };
    const poller = new Poller(clock, ask);
    await this.#until(() => ready, startPatience, 'the gateway does not become ready').finally(() => poller.close());
  }

  #askNodes(): Promise<NodeState[] | undefined> {
    return gatewayNodes(this.gatewayUrl, (address) => this.#servers.find((server) => server.address === address)?.name);
  }

  #see(addresses: readonly string[] | undefined): void {
    this.#registered = addresses;
    for (const server of this.#servers) {
      if (addresses?.includes(server.address)) server.registeredAt ??= this.#now();
    }
  }

  /** Waits for a condition. Throws what is missing when it takes too long, or when a process has ended meanwhile. */
  async #until(condition: () => boolean, ms: number, missing: string | (() => string)): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + ms;
    const incidents = this.#incidents.length;
    while (!condition()) {
      const said = typeof missing === 'string' ? missing : missing();
      if (this.#incidents.length > incidents) {
        const dead = [...this.#servers.map(({ group }) => group), ...(this.#gateway ? [this.#gateway] : [])];
        const words = dead.find((group) => group.ended && group.lastWords !== '')?.lastWords ?? '';
        throw new Error(`${this.#incidents.at(-1)!.what}${words === '' ? '' : `. It said: ${words}`}`);
      }
      if (clock.now() >= deadline) throw new Error(`${said}, after ${ms / 1000} s`);
      await clock.sleep(20, this.#closing.signal);
    }
  }
}

function live(nodes: readonly NodeState[]): NodeState[] {
  return nodes.filter(({ state }) => state === 'live');
}
