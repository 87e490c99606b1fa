/** Three real servers of the book service in ZooKeeper, and a client that calls them without a pause. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { systemClock } from '../../src/core/clock.ts';
import { freePort } from '../support/apache-zookeeper.ts';
import { book } from '../support/book-service.ts';
import { type BookClient, bookModule } from '../support/book-world.ts';
import { EvenkeelGroup } from '../support/evenkeel-group.ts';
import { until } from '../support/until.ts';
import { Book } from './book.ts';
import { type Judgement, Load } from './load.ts';
import { entriesIn, type FaultZooKeeper } from './zookeepers.ts';

const folder = '/book';
/** Session timeout of servers and client, ms. */
export const session = 4_000;
export const processes = 2;

export interface Server {
  readonly group: EvenkeelGroup;
  readonly port: number;
  /** As the registry and the client know it. */
  id: string;
}

export class Fleet {
  readonly test: TestContext;
  readonly zookeeper: FaultZooKeeper;
  readonly servers: Server[] = [];
  readonly book: Book;
  readonly client: BookClient;
  load!: Load;
  readonly #bookFile: string;

  /** Nothing runs yet but the client. */
  constructor(test: TestContext, zookeeper: FaultZooKeeper, options: Partial<ConnectOptions> = {}) {
    this.test = test;
    this.zookeeper = zookeeper;
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-fleet-'));
    test.after(() => rmSync(directory, { recursive: true, force: true }));
    this.#bookFile = join(directory, 'book');
    writeFileSync(this.#bookFile, '');
    this.book = new Book(this.#bookFile);
    test.after(() => this.book.close());
    this.client = connect(book, { registry: this.#registry, ...options });
    test.after(() => this.client.close(0));
  }

  /** Starts the servers, and the load when they are there. */
  static async start(
    test: TestContext,
    zookeeper: FaultZooKeeper,
    options: Partial<ConnectOptions> = {},
  ): Promise<Fleet> {
    const fleet = new Fleet(test, zookeeper, options);
    await Promise.all(Array.from({ length: 3 }, () => fleet.add()));
    await fleet.settled();
    fleet.load = new Load(fleet.client);
    test.after(() => fleet.load.stop());
    // As long as a measurement of how it was before.
    await systemClock.sleep(3_000);
    return fleet;
  }

  get #registry(): string {
    return `zookeeper://127.0.0.1:${this.zookeeper.port}${folder}?session=${session}ms`;
  }

  /** Starts a server; on the port of one that is gone, if one is given. Resolves when it serves. */
  async add(port?: number): Promise<Server> {
    const at = port ?? (await freePort());
    const args = `serve ${bookModule} --registry ${this.#registry} --listen 127.0.0.1:${at} --processes ${processes}`;
    const group = EvenkeelGroup.start(this.test, [...args.split(' '), '--drain-delay', '1s'], {
      env: { EVENKEEL_TEST_BOOK: this.#bookFile },
    });
    const server: Server = { group, port: at, id: '' };
    this.servers.push(server);
    server.id = String((await group.line('serving')).id);
    return server;
  }

  /** Takes one that is gone, or going, off the list. */
  forget(server: Server): void {
    this.servers.splice(this.servers.indexOf(server), 1);
  }

  /** Waits until the client can call every server on the list. */
  async settled(): Promise<void> {
    const ids = () => this.servers.map(({ id }) => id);
    await until(
      () => {
        const nodes = this.client.nodes().nodes;
        return ids().every((id) => nodes.some((it) => it.id === id && it.state === 'live'));
      },
      () => `${ids().join(', ')} to be live: ${JSON.stringify(this.client.nodes().nodes)}`,
      60_000,
    );
  }

  /** Waits until every server has its whole weight again: newcomers start with less, the frozen were halved. */
  async warm(): Promise<void> {
    await this.settled();
    const nodes = () => this.client.nodes().nodes.filter(({ id }) => this.servers.some((server) => server.id === id));
    await until(
      () => nodes().every(({ weight, base }) => weight === base),
      () => `all weights: ${JSON.stringify(nodes())}`,
      60_000,
    );
  }

  /** Waits for a moment with calls in flight on these processes, and gives their ids. */
  async aim(pids: () => readonly number[]): Promise<string[]> {
    return until(() => {
      this.book.read();
      const victims = new Set(pids());
      const hit = this.load.inFlight.filter((id) => this.book.executions.get(id)?.some((pid) => victims.has(pid)));
      return hit.length > 0 ? hit : undefined;
    }, 'calls in flight');
  }

  /** All processes of a server. */
  pids(server: Server): number[] {
    return server.group.members.map(({ pid }) => pid);
  }

  async entries(): Promise<string[]> {
    return (await entriesIn(this.zookeeper.port, folder))
      .map(({ name, port }) => `${name.slice(4, 20)} ${port}`)
      .sort();
  }

  /** Names of the entries of the servers on the list: a server that registers again has another one. */
  async names(): Promise<string[]> {
    const all = await entriesIn(this.zookeeper.port, folder);
    return all.map(({ name }) => name).filter((name) => this.servers.some(({ id }) => name.includes(id)));
  }

  /** What the registry should hold. */
  get expected(): string[] {
    return this.servers.map(({ id, port }) => `${id} ${port}`).sort();
  }

  /** Watches over two session timeouts that every server is registered, once, and nobody else is. */
  async registeredOnce(): Promise<void> {
    await until(
      async () => String(await this.entries()) === String(this.expected),
      'every server to be registered once',
    );
    const end = systemClock.now() + 2 * session;
    while (systemClock.now() < end) {
      assert.deepEqual(await this.entries(), this.expected);
      await systemClock.sleep(200);
    }
  }

  /** Ends the load, and holds all that was promised against it. */
  async judge(): Promise<Judgement> {
    const judgement = await this.load.finish(this.book);
    const { lost, doubled, lies, unknown, calls, amplification } = judgement;
    this.say(
      `${calls} calls: ${lost.length} lost, ${doubled.length} doubled, ${unknown} unknown; handlers ran ${amplification.toFixed(3)} x as often`,
    );
    assert.deepEqual(lost.slice(0, 5), [], `${lost.length} of ${calls} calls were lost`);
    assert.deepEqual(doubled, []);
    assert.deepEqual(lies, []);
    assert.ok(amplification <= 1.2, `handlers ran ${amplification} times as often as there were calls`);
    for (const { group } of this.servers) {
      const words = group.lines.filter(({ msg }) => /uncaught|unhandled/i.test(msg));
      assert.deepEqual([group.stderr, words], ['', []]);
    }
    return judgement;
  }

  say(line: string): void {
    this.test.diagnostic(line);
  }
}
