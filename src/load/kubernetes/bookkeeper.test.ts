import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { DiagnosticsChannel } from 'undici';
import { until } from '../../../test/support/until.ts';
import { type Clock, isoTime, systemClock } from '../../core/clock.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { Ledger } from '../ledger.ts';
import { startLedgerServer } from '../ledger-server.ts';
import { Bookkeeper } from './bookkeeper.ts';
import { labels, type Pod } from './objects.ts';
import { Population } from './population.ts';

/** A server with its ledger beside it, as the API tells of it. */
class Server {
  readonly name: string;
  readonly directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  readonly ledger: Ledger;
  sidecar!: Awaited<ReturnType<typeof startLedgerServer>>;
  /** How many times something of its ledger was fetched. */
  #fetched = 0;

  private constructor(name: string, clock: Clock) {
    this.name = name;
    this.ledger = new Ledger({ directory: this.directory, server: name, clock });
  }

  static async start(t: TestContext, name: string, { port = 0, clock = systemClock } = {}): Promise<Server> {
    const server = new Server(name, clock);
    const listen = { host: '127.0.0.1', port };
    const { directory } = server;
    server.sidecar = await startLedgerServer({ directory, listen, server: name });
    const count = (message: unknown) => {
      const { request } = message as DiagnosticsChannel.RequestTrailersMessage;
      const { origin, path } = request;
      if (origin === `http://127.0.0.1:${server.sidecar.port}` && path.startsWith('/calls?file=')) server.#fetched++;
    };
    subscribe('undici:request:trailers', count);
    t.after(async () => {
      unsubscribe('undici:request:trailers', count);
      await server.sidecar.close();
      await rm(directory, { recursive: true });
    });
    return server;
  }

  call(id: string): void {
    this.ledger.begin(id, 'pi')();
  }

  /** Waits until its books were read for the first time. */
  async isRead(): Promise<void> {
    await until(() => this.#fetched > 0, `the books of ${this.name} to be read`);
  }

  pod(facts: { told?: boolean; over?: boolean } = {}): Pod {
    return pod(this.name, { ...facts, port: this.sidecar.port });
  }
}

function pod(name: string, facts: { told?: boolean; over?: boolean; port?: number } = {}): Pod {
  const { told = false, over = false, port } = facts;
  const ports = port === undefined ? [] : [{ name: 'ledger', containerPort: port }];
  return {
    metadata: {
      ...{ name, uid: name, resourceVersion: '1', labels: { [labels.component]: 'server' } },
      ...((told || over) && { deletionTimestamp: isoTime(0) }),
    },
    spec: {
      containers: [{ name: 'server', image: 'i', ports: [{ name: 'rpc', containerPort: 7000 }] }],
      initContainers: [{ name: 'ledger', image: 'i', ports }],
    },
    status: {
      podIP: '127.0.0.1',
      conditions: [{ type: 'Ready', status: told || over ? 'False' : 'True' }],
      containerStatuses: [{ name: 'server', restartCount: 0, ...(over && { state: { terminated: { exitCode: 0 } } }) }],
    },
  };
}

function scene(t: TestContext, clock: Clock = systemClock) {
  const now = () => clock.wallTime();
  const population = new Population(now, () => {});
  population.complete = true;
  const keeper = new Bookkeeper(population, clock, now);
  t.after(() => keeper.abandon());
  return { population, keeper };
}

const ids = (books: Awaited<ReturnType<Bookkeeper['close']>>) => books?.executions.map(({ id }) => id).toSorted();

describe('the books of all servers', () => {
  it('are put together, with what was written at the very end', async (t) => {
    const { population, keeper } = scene(t);
    const [a, b] = [await Server.start(t, 'a'), await Server.start(t, 'b')];
    a.call('1');
    for (const server of [a, b]) population.put(server.pod());
    await a.isRead();
    a.call('2');
    b.call('3');
    const books = await keeper.close();
    assert.deepEqual(ids(books), ['1', '2', '3']);
    assert.deepEqual(books!.gaps, []);
    assert.deepEqual(books!.executions.map(({ writer }) => writer.server).toSorted(), ['a', 'a', 'b']);
  });

  it('have no gap where a pod went in good order: its ledger waits for the reader', async (t) => {
    const { population, keeper } = scene(t);
    const a = await Server.start(t, 'a');
    population.put(a.pod());
    population.put(a.pod({ told: true }));
    a.call('1');
    population.put(a.pod({ over: true }));
    assert.equal(await a.sidecar.finish(), true);
    population.gone(a.pod({ over: true }));
    const books = await keeper.close();
    assert.deepEqual([ids(books), books!.gaps], [['1'], []]);
  });

  it('say from when on those of a pod are missing that vanished', async (t) => {
    const { population, keeper } = scene(t);
    const a = await Server.start(t, 'a');
    a.call('1');
    population.put(a.pod());
    await a.isRead();
    const lost = systemClock.wallTime();
    await a.sidecar.close();
    a.call('2');
    population.gone(a.pod());
    const books = await keeper.close();
    assert.deepEqual(ids(books), ['1']);
    const [gap, ...others] = books!.gaps;
    assert.deepEqual(others, []);
    assert.deepEqual([gap!.server, gap!.why], ['a', 'its pod was gone before the rest was read']);
    assert.ok(gap!.from <= lost && gap!.until >= lost && gap!.from > lost - 20_000, JSON.stringify(gap));
  });

  it('are not those of a newcomer who has the address of a pod that is gone', async (t) => {
    const { population, keeper } = scene(t);
    const a = await Server.start(t, 'a');
    a.call('1');
    population.put(a.pod());
    await a.isRead();
    const { port } = a.sidecar;
    await a.sidecar.close();
    const b = await Server.start(t, 'b', { port });
    b.call('2');
    population.put(b.pod());
    population.gone(a.pod());
    const books = await keeper.close();
    assert.deepEqual(ids(books), ['1', '2']);
    assert.deepEqual(
      books!.gaps.map(({ server, why }) => [server, why]),
      [['a', 'its pod was gone before the rest was read']],
    );
  });

  it('are missing whole where a ledger never answers, and it is said why', async (t) => {
    const clock = new VirtualClock();
    const { population, keeper } = scene(t, clock);
    const a = await Server.start(t, 'a');
    const there = a.pod();
    await a.sidecar.close();
    population.put(there);
    let over = false;
    const closing = keeper.close().finally(() => {
      over = true;
    });
    await until(() => {
      clock.advance(250);
      return over;
    }, 'it to be given up');
    const { gaps } = (await closing)!;
    assert.equal(gaps.length, 1);
    assert.equal(gaps[0]!.from, population.all('server')[0]!.startedAt);
    assert.match(gaps[0]!.why, /^its books cannot be read: .*ECONNREFUSED/);
  });

  it('are none where no server keeps any; where one does not, beside others that do, that is a gap', async (t) => {
    const none = scene(t);
    none.population.put(pod('a'));
    assert.equal(await none.keeper.close(), undefined);
    const { population, keeper } = scene(t);
    population.put((await Server.start(t, 'a')).pod());
    population.put(pod('b'));
    const { gaps } = (await keeper.close())!;
    assert.deepEqual(
      gaps.map(({ server, why }) => [server, why]),
      [['b', 'its calls were not recorded']],
    );
  });

  it('begin with the load: what was there before is none of it', async (t) => {
    const { population, keeper } = scene(t);
    const a = await Server.start(t, 'a');
    a.call('of an earlier load test');
    population.put(a.pod());
    await keeper.begin();
    // The load does not end within the millisecond in which it begins.
    await systemClock.sleep(5);
    a.call('1');
    const books = await keeper.close();
    assert.deepEqual([ids(books), books!.gaps], [['1'], []]);
  });

  it('tell what processes of a server work on, but not what those left that were killed before', async (t) => {
    const { population, keeper } = scene(t);
    const a = await Server.start(t, 'a');
    population.put(a.pod());
    const [life] = population.all('server');
    a.ledger.begin('at work', 'pi');
    a.call('done');
    assert.equal(await keeper.working(life!, [process.pid]), 1);
    assert.equal(await keeper.working(life!, [process.pid + 1]), 0);
    await a.sidecar.close();
    assert.equal(await keeper.working(life!, [process.pid]), undefined);
  });

  for (const behind of [300, 3_600_000]) {
    it(`hold all of a server whose clock is ${behind} ms behind`, async (t) => {
      const clock: Clock = { ...systemClock, wallTime: () => systemClock.wallTime() - behind };
      const { population, keeper } = scene(t);
      const a = await Server.start(t, 'a', { clock });
      population.put(a.pod());
      a.call('1');
      assert.deepEqual(ids(await keeper.close()), ['1']);
    });
  }
});
