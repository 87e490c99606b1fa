/**
 * Fifty clients on one ZooKeeper, and servers that come: all clients learn of them in the same moment. What each client reads
 * then, and when it dials, decides whether a new server meets fifty handshakes at once and ZooKeeper fifty lists.
 *
 * The real registry speaks to the embedded ZooKeeper by TCP; all time is a virtual clock's, which stands still while an answer
 * of ZooKeeper is on its way. So a machine that is slow makes the test slow, and nothing else; and ZooKeeper answers within no
 * time, which is the worst for a herd. Calls, heartbeats and checks are left out: they make no dials and no reads.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Client, connect } from '../src/client/connect.ts';
import { systemClock } from '../src/core/clock.ts';
import { method, service } from '../src/core/contract.ts';
import { silentLog } from '../src/core/log.ts';
import { seeded } from '../src/core/random.ts';
import { VirtualClock } from '../src/core/virtual-clock.ts';
import { type EmbeddedZooKeeper, startZooKeeper } from '../src/dev/zookeeper.ts';
import type { Registry } from '../src/registry/registry.ts';
import { driver } from '../src/registry/zookeeper/driver.ts';
import type { Dial, Link } from '../src/registry/zookeeper/link.ts';
import { readZooKeeperUrl, zookeeperRegistry } from '../src/registry/zookeeper/zookeeper.ts';
import { type Host, host } from '../src/server/host.ts';
import { serveOptions } from '../src/server/options.ts';
import { MemoryNetwork } from '../src/transport/memory.ts';
import type { ListenAt, Network } from '../src/transport/network.ts';

const clients = 50;
const folder = '/herd';
const contract = service('herd', { nothing: method() });
type Herd = Client<typeof contract.methods>;

/** Something that happened, when on the virtual clock, and by whose doing: the number of a client. */
interface Fact {
  readonly what: string;
  readonly at: number;
  readonly client: number;
}

/** The most of these facts in any span of so many ms. */
function densest(facts: readonly Fact[], span: number): number {
  const times = facts.map(({ at }) => at).sort((a, b) => a - b);
  let most = 0;
  for (let last = 0, first = 0; last < times.length; last++) {
    while (times[last]! - times[first]! >= span) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

function by<Key>(facts: readonly Fact[], key: (fact: Fact) => Key): Fact[][] {
  return [...Map.groupBy(facts, key).values()];
}

class World {
  readonly clock = new VirtualClock();
  /** Reads of the folder and of its entries. */
  reads: Fact[] = [];
  /** Dials, by the address. */
  dials: Fact[] = [];
  readonly all: Herd[] = [];
  readonly #network = new MemoryNetwork();
  readonly #zookeeper: EmbeddedZooKeeper;
  readonly #hosts: Host[] = [];
  readonly #registries: Registry[] = [];
  readonly #entries: string[] = [];
  #editor: Link | undefined;
  /** Requests to ZooKeeper that are not answered. */
  #asked = 0;

  private constructor(zookeeper: EmbeddedZooKeeper) {
    this.#zookeeper = zookeeper;
  }

  /** Ten servers, and fifty clients that hold connections to them. */
  static async start(options: { subset?: number } = {}): Promise<World> {
    const world = new World(await startZooKeeper());
    try {
      await world.#begin(options);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async #begin(options: { subset?: number }): Promise<void> {
    const [host, port] = this.#zookeeper.connect.split(':');
    const address = { host: host!, port: Number(port) };
    const facts = { deadline: 10_000, ticket: undefined, auth: undefined, signal: new AbortController().signal };
    this.#editor = await driver(systemClock)({ address, timeout: 30_000, ...facts });
    await this.#editor.create(folder, undefined, 'persistent');
    await this.serve(10);
    await this.list(10);
    for (let number = 0; number < clients; number++) this.#connect(number, options);
    await this.run(2_000);
    this.forget();
  }

  get links(): number[] {
    return this.all.map((client) => client.nodes().nodes.filter(({ state }) => state === 'live').length);
  }

  forget(): void {
    this.reads = [];
    this.dials = [];
  }

  /** Time goes by; ZooKeeper's answers take none of it. */
  async run(ms: number, each?: (at: number) => Promise<void>): Promise<void> {
    for (let at = 0; at < ms; at += 5) {
      await each?.(at);
      await this.clock.run(5);
      // What ZooKeeper tells unasked needs a moment too.
      do await systemClock.sleep(1);
      while (this.#asked > 0);
    }
  }

  /** Servers that listen, numbered on; nobody knows of them. */
  async serve(count: number): Promise<void> {
    const { clock } = this;
    for (let i = 0; i < count; i++) {
      const name = `s${this.#hosts.length}`;
      const facts = { clock, network: this.#network, random: seeded(1), listen: `${name}:1`, id: name };
      const options = { ...serveOptions(facts), worker: { index: 0, of: 1 } };
      this.#hosts.push(await host({ service: contract, handlers: { nothing: () => null } }, options));
    }
  }

  /** Puts the next servers into ZooKeeper, one after the other, and no time goes by. */
  async list(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.relist(this.#entries.length);
  }

  /** Puts a server into ZooKeeper, again if it is there: by a new entry in place of the old one. */
  async relist(number: number): Promise<void> {
    const name = `s${number}`;
    const data = Buffer.from(JSON.stringify({ host: name, port: 1, id: name, protocols: ['evenkeel/1'] }));
    const made = await this.#editor!.create(`${folder}/rpc-${name}-`, data, 'ephemeral-sequential');
    const before = this.#entries[number];
    this.#entries[number] = made;
    if (before !== undefined) await this.#editor!.remove(before);
  }

  #connect(number: number, { subset }: { subset?: number }): void {
    const random = seeded(1_000 + number);
    const { clock } = this;
    const inner = driver(clock);
    const dial: Dial = async (options) => this.#counted(await this.#during(inner(options)), number);
    // Its own timers are the system's: a session that cannot end while the virtual clock runs ahead of them.
    const where = readZooKeeperUrl(`//${this.#zookeeper.connect}${folder}?session=300s`);
    const registry = zookeeperRegistry(where, undefined, { clock, random, log: silentLog }, { dial });
    this.#registries.push(registry);
    const network: Network = {
      connect: (host, port) => {
        this.dials.push({ what: host, at: clock.now(), client: number });
        return this.#network.connect(host, port);
      },
      listen: (at: ListenAt, onStream) => this.#network.listen(at, onStream),
    };
    const quiet = { healthInterval: 0, heartbeat: { pingAfter: 300_000, loadEvery: 0 } };
    this.all.push(
      connect(contract, { registry, clock, random, network, ...quiet, ...(subset === undefined ? {} : { subset }) }),
    );
  }

  #counted(link: Link, number: number): Link {
    for (const name of ['getChildren', 'getData'] as const) {
      const ask = link[name].bind(link) as (path: string, ...rest: unknown[]) => Promise<never>;
      link[name] = (path: string, ...rest: unknown[]) => {
        // The live settings are another node, read once.
        if (path.startsWith(folder) && !path.endsWith('-config'))
          this.reads.push({ what: name, at: this.clock.now(), client: number });
        return this.#during(ask(path, ...rest));
      };
    }
    return link;
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.#asked++;
    try {
      return await work;
    } finally {
      this.#asked--;
    }
  }

  async close(): Promise<void> {
    const closed = Promise.all([
      ...this.all.map((client) => client.close(0)),
      ...this.#registries.map((registry) => registry.close()),
    ]);
    let over = false;
    void closed.finally(() => {
      over = true;
    });
    while (!over) await this.run(50);
    for (const host of this.#hosts) host.destroy();
    await this.#editor?.closeSession(1_000);
    await this.#zookeeper.close();
  }
}

/** Per client: how often it read the folder, and entries. */
function readsOf(world: World): { lists: number[]; entries: number[] } {
  const count = (what: string) =>
    Array.from(
      world.all,
      (_, client) => world.reads.filter((read) => read.what === what && read.client === client).length,
    );
  return { lists: count('getChildren'), entries: count('getData') };
}

test('thirty servers come at once, and every client connects to all of them', { timeout: 120_000 }, async () => {
  const world = await World.start({ subset: Number.POSITIVE_INFINITY });
  try {
    await world.serve(30);
    await world.list(30);
    await world.run(2_500);
    assert.deepEqual(new Set(world.links), new Set([40]), 'all are connected');

    const { lists, entries } = readsOf(world);
    // The first change wakes a client, which waits 50 to 100 ms for those that come with it; one more for what came while it read.
    assert.ok(Math.max(...lists) <= 2, `the folder was read ${Math.max(...lists)} times`);
    // An entry never changes: it is read once. Those known before are not read at all.
    assert.deepEqual(new Set(entries), new Set([30]));
    // The waits are spread over 50 ms: 10 clients in any 10 ms are to be expected, 2.8 is their standard deviation; 5 of them.
    const together = densest(
      world.reads.filter(({ what }) => what === 'getChildren'),
      10,
    );
    assert.ok(together <= 24, `${together} clients read the folder within 10 ms`);

    const onNew = by(world.dials, ({ what }) => what);
    assert.equal(onNew.length, 30, 'those known before are not dialled again');
    for (const dials of onNew) assert.equal(dials.length, clients, 'one each');
    // 30 new servers are dialled within 600 ms: 8.3 of 50 dials in any 100 ms are to be expected, with a standard deviation of 2.6;
    // the densest span of 30 servers is some 4 of them above that. All at once would be 50.
    const most = Math.max(...onNew.map((dials) => densest(dials, 100)));
    assert.ok(most <= 24, `${most} of ${clients} dials on one server within 100 ms`);
    // And a client dials one server in each 20 ms of it, two where the moments of two such parts meet.
    const ofOne = Math.max(...by(world.dials, ({ client }) => client).map((dials) => densest(dials, 100)));
    assert.ok(ofOne <= 7, `${ofOne} dials by one client within 100 ms`);
  } finally {
    await world.close();
  }
});

test('by default a client holds twenty, and a new server is dialled by its part of the clients', {
  timeout: 120_000,
}, async () => {
  const world = await World.start();
  try {
    await world.serve(30);
    await world.list(30);
    await world.run(2_500);
    assert.ok(Math.max(...world.links) <= 20, 'no more than the subset');
    assert.ok(Math.min(...world.links) >= 20);
    const onNew = by(world.dials, ({ what }) => what);
    // 50 clients hold 20 of 40: 25 to a server. By rendezvous hashing that is a draw with a standard deviation of 3.5; 4 of them.
    const widest = Math.max(...onNew.map((dials) => dials.length));
    assert.ok(widest <= 39, `${widest} clients hold one server`);
    // Each dials some 15 new ones within 300 ms: of 25 dials 8.3 in any 100 ms, as above.
    const most = Math.max(...onNew.map((dials) => densest(dials, 100)));
    assert.ok(most <= 22, `${most} dials on one server within 100 ms`);
    assert.deepEqual(new Set(readsOf(world).entries), new Set([30]));
  } finally {
    await world.close();
  }
});

test('one server comes: fifty clients are there within a third of a second, and not in one moment', {
  timeout: 120_000,
}, async () => {
  const world = await World.start();
  try {
    await world.serve(1);
    await world.list(1);
    const listed = world.clock.now();
    await world.run(1_000);
    assert.equal(world.dials.length, clients);
    // 50 to 100 ms until the folder is read, 200 ms in which the one is dialled.
    const last = Math.max(...world.dials.map(({ at }) => at)) - listed;
    assert.ok(last <= 320, `the last dial came after ${last} ms`);
    // 25 of 50 in any 100 of these 200 ms, with a standard deviation of 3.5; 4 of them. Unspread all 50 come within 50 ms.
    const most = densest(world.dials, 100);
    assert.ok(most <= 39, `${most} of ${clients} dials within 100 ms`);
  } finally {
    await world.close();
  }
});

test('a hundred changes a second: few reads, no dials, and none of either when it is over', {
  timeout: 120_000,
}, async () => {
  const world = await World.start();
  try {
    const seconds = 3;
    let changed = 0;
    // Servers are announced anew one after the other, as with a new weight: two changes each, the server itself stays.
    await world.run(seconds * 1_000, async (at) => {
      if (at % 20 === 0) await world.relist(changed++ % 10);
    });
    await world.run(500);
    const { lists, entries } = readsOf(world);
    // While changes go on, two reads are at least 150 ms apart: 6.7 in a second, however many changes there are; and the last one.
    const allowed = Math.ceil((seconds * 1_000) / 150) + 1;
    assert.ok(Math.max(...lists) <= allowed, `the folder was read ${Math.max(...lists)} times in ${seconds} s`);
    assert.ok(Math.min(...lists) >= seconds, 'and still it is followed');
    // Each entry at most once. What was gone before somebody looked was never read.
    assert.ok(Math.max(...entries) <= changed, `${Math.max(...entries)} entries read, of ${changed}`);
    assert.deepEqual(world.dials, [], 'whom one is connected to is not dialled again');
    assert.deepEqual(new Set(world.links), new Set([10]));
    world.forget();
    await world.run(5_000);
    // Without a change all is read again every 30 s, give or take a fifth: in 5 s by few, and once.
    const quiet = readsOf(world);
    assert.ok(Math.max(...quiet.lists) <= 1);
    assert.ok(Math.max(...quiet.entries) <= 0);
  } finally {
    await world.close();
  }
});
