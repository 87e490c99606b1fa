/** A ZooKeeper behind proxies that break things, and who talks to it: our registries, links of our own, the bare client. */
import { after, before, describe, it, type TestContext } from 'node:test';
import zookeeper, { type Client } from 'node-zookeeper-client';
import { systemClock } from '../../src/core/clock.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { startZooKeeper } from '../../src/dev/zookeeper.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { driver } from '../../src/registry/zookeeper/driver.ts';
import type { Dial, Link } from '../../src/registry/zookeeper/link.ts';
import type { SupervisorOptions } from '../../src/registry/zookeeper/supervisor.ts';
import { readAuth, readZooKeeperUrl, zookeeperRegistry } from '../../src/registry/zookeeper/zookeeper.ts';
import { apacheZooKeeperMissing, startApacheZooKeeper } from './apache-zookeeper.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { until } from './until.ts';

/** A server that speaks ZooKeeper. */
interface Host {
  connect: string;
  stop(): Promise<void>;
}

interface Opening extends Partial<Pick<SupervisorOptions, 'lookup'>> {
  session?: string;
  auth?: string;
  /** Default: none. */
  log?: Log;
  /** Of the service. Default: the scene's. */
  folder?: string;
  /** Gets every connection before the registry does. */
  onLink?: (link: Link) => void;
}

/** What one test opens, all of it closed after it. */
export class Scene {
  readonly folder: string;
  readonly #host: Host;
  readonly #test: TestContext;

  constructor(test: TestContext, host: Host, folder: string) {
    this.#test = test;
    this.#host = host;
    this.folder = folder;
  }

  async proxy(): Promise<FaultProxy> {
    const proxy = await startFaultProxy(this.#host.connect);
    this.#test.after(() => proxy.close());
    return proxy;
  }

  /** Ours. Servers are tried in the order given. */
  registry(servers: string, opening: Opening = {}): Registry {
    const { session = '2s', auth, log = silentLog, folder = this.folder, onLink, lookup } = opening;
    const inner = driver(systemClock);
    const dial: Dial = async (options) => {
      const link = await inner(options);
      onLink?.(link);
      return link;
    };
    const where = readZooKeeperUrl(`//${servers}${folder}?session=${session}`);
    const options = { clock: systemClock, random: () => 0.5, log };
    const registry = zookeeperRegistry(where, readAuth(auth), options, { dial, ...(lookup && { lookup }) });
    this.#test.after(() => registry.close());
    return registry;
  }

  /** Ours again, undisturbed. */
  witness(): Registry {
    return this.registry(this.#host.connect, { session: '4s' });
  }

  /** Runs after the test, however it ends. */
  after(close: () => unknown): void {
    this.#test.after(() => void close());
  }

  get host(): string {
    return this.#host.connect;
  }

  /** A link of its own, to look at the nodes themselves. */
  async link(auth?: string): Promise<Link> {
    const [host, port] = this.#host.connect.split(':');
    const link = await driver(systemClock)({
      address: { host: host!, port: Number(port) },
      timeout: 4_000,
      deadline: 10_000,
      ticket: undefined,
      auth: readAuth(auth),
      signal: new AbortController().signal,
    });
    this.#test.after(() => link.closeSession(1_000));
    return link;
  }

  /** The bare client. */
  bare(servers: string, sessionTimeout = 1_000, first?: string): Client {
    for (;;) {
      const client = zookeeper.createClient(servers, { sessionTimeout, retries: 0 });
      // It shuffles its servers.
      const order = (client.connectionManager as unknown as { servers: { host: string; port: string }[] }).servers;
      if (first !== undefined && `${order[0]!.host}:${order[0]!.port}` !== first) continue;
      this.#test.after(() => {
        client.connectionManager.connect = () => {};
        clearTimeout(client.connectionManager.connectTimeoutHandler ?? undefined);
        client.connectionManager.socket?.destroy();
      });
      client.connect();
      return client;
    }
  }

  async connected(client: Client): Promise<void> {
    await until(() => client.getState().name === 'SYNC_CONNECTED', 'the bare client to connect');
  }
}

/** Long enough for a client with this session timeout to have helped itself. */
export const patience = (timeout: number) => systemClock.sleep(2.5 * timeout);

/** Declares one test, with a scene of its own. */
export type Fault = (title: string, run: (scene: Scene) => Promise<void>) => void;

let folders = 0;

/** The same tests against the embedded ZooKeeper and against Apache's, those of each side by side. */
export async function onEveryZooKeeper(declare: (fault: Fault) => void): Promise<void> {
  faults('the embedded ZooKeeper', declare, async () => {
    const host = await startZooKeeper({ tickTime: 500 });
    return { connect: host.connect, stop: () => host.close() };
  });
  const missing = await apacheZooKeeperMissing();
  if (missing === undefined) faults('Apache ZooKeeper', declare, () => startApacheZooKeeper());
  else it('on Apache ZooKeeper', { skip: missing }, () => {});
}

function faults(name: string, declare: (fault: Fault) => void, start: () => Promise<Host>): void {
  describe(`on ${name}`, { concurrency: true }, () => {
    let host: Host;
    before(async () => {
      host = await start();
    });
    after(() => host.stop());
    declare((title, run) => {
      it(title, (test) => run(new Scene(test, host, `/faults-${++folders}/pi`)));
    });
  });
}
