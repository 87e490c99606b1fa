/** Servers of the book service as real processes, registered in an embedded ZooKeeper, and a client of them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Client, connect } from '../../src/client/connect.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { type EmbeddedZooKeeper, startZooKeeper } from '../../src/dev/zookeeper.ts';
import { book } from './book-service.ts';
import { EvenkeelGroup, type GroupOptions } from './evenkeel-group.ts';
import { until } from './until.ts';

export const bookModule = fileURLToPath(new URL('./book-service.ts', import.meta.url));

export type BookClient = Client<typeof book.methods>;

export class BookWorld {
  readonly zookeeper: EmbeddedZooKeeper;
  readonly folder = mkdtempSync(join(tmpdir(), 'evenkeel-book-'));
  readonly #test: Pick<TestContext, 'after'>;

  private constructor(test: Pick<TestContext, 'after'>, zookeeper: EmbeddedZooKeeper) {
    this.#test = test;
    this.zookeeper = zookeeper;
  }

  static async start(test: Pick<TestContext, 'after'>): Promise<BookWorld> {
    const zookeeper = await startZooKeeper({ tickTime: 500 });
    const world = new BookWorld(test, zookeeper);
    test.after(async () => {
      await zookeeper.close();
      rmSync(world.folder, { recursive: true, force: true });
    });
    return world;
  }

  get registry(): string {
    return `zookeeper://${this.zookeeper.connect}/shop/book?session=4s`;
  }

  /** A file whose presence makes the service unable to load. */
  get crashFile(): string {
    return join(this.folder, 'crash');
  }

  /** Starts a server; what is given comes behind the usual arguments. */
  launch(
    args: readonly string[] = [],
    env: Record<string, string> = {},
    options: Pick<GroupOptions, 'maxFiles'> = {},
  ): EvenkeelGroup {
    const usual = ['--registry', this.registry, '--listen', '127.0.0.1:0', '--drain-delay', '300ms', '--grace', '10s'];
    return EvenkeelGroup.start(this.#test, ['serve', bookModule, ...usual, ...args], {
      ...options,
      env: { EVENKEEL_TEST_BOOK: join(this.folder, 'book'), EVENKEEL_TEST_CRASH: this.crashFile, ...env },
    });
  }

  /** Starts a server and waits until it is registered. */
  async server(args: readonly string[] = [], env: Record<string, string> = {}): Promise<EvenkeelGroup> {
    const server = this.launch(args, env);
    await server.line('registered in ZooKeeper');
    return server;
  }

  client(options: Partial<ConnectOptions> = {}): BookClient {
    const client = connect(book, { registry: this.registry, ...options });
    this.#test.after(() => client.close(0));
    return client;
  }

  /** Lines that handlers wrote, without the process id. */
  get book(): string[] {
    return readFileSync(join(this.folder, 'book'), 'utf8').trimEnd().split('\n');
  }

  /** Waits until handlers have begun the calls with these ids. */
  async begun(...ids: string[]): Promise<void> {
    await until(
      () => ids.every((id) => this.book.some((line) => line.startsWith(`${id} `))),
      () => `calls ${ids.join(', ')} to begin`,
    );
  }

  /** Paths of the registrations that are there. */
  get entries(): string[] {
    return this.zookeeper.sessions().flatMap(({ ephemerals }) => [...ephemerals]);
  }
}
