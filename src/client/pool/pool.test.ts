import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { RpcError } from '../../core/error.ts';
import { silentLog } from '../../core/log.ts';
import { seeded } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import type { ErrorKind } from './classify.ts';
import type { PoolOptions } from './options.ts';
import { WeightedPool } from './pool.ts';

/** A server that clients of the pool reach, and what becomes of them. */
class Server {
  refusing = false;
  frozen = false;
  sick = false;
  /** What its clients' work ends with, if not with an answer. */
  error: unknown;
  latency = 1;
  made = 0;
  closed = 0;
  readonly worked: string[] = [];
}

class TestClient {
  readonly server: Server;
  readonly #clock: VirtualClock;
  constructor(server: Server, clock: VirtualClock) {
    this.server = server;
    this.#clock = clock;
    server.made++;
  }

  async work(what: string): Promise<string> {
    this.server.worked.push(what);
    if (this.server.frozen) await new Promise(() => {});
    await this.#clock.sleep(this.server.latency);
    if (this.server.error !== undefined) throw this.server.error;
    return `did ${what}`;
  }
}

const coded = (code: string) => Object.assign(new Error(code), { code });

class World {
  readonly clock = new VirtualClock();
  readonly servers = new Map<string, Server>();
  readonly warned: string[] = [];
  pool!: WeightedPool<TestClient>;

  constructor(names: string, options: Partial<PoolOptions<TestClient>> = {}) {
    for (const name of names) this.servers.set(name, new Server());
    this.pool = new WeightedPool<TestClient>({
      registry: `static:${[...names].map((name) => `${name}:1`).join(',')}`,
      connect: async ({ host }) => {
        const server = this.servers.get(host)!;
        if (server.refusing) throw coded('ECONNREFUSED');
        if (server.frozen) await new Promise(() => {});
        return new TestClient(server, this.clock);
      },
      close: (client) => void client.server.closed++,
      health: async ({ server }) => {
        if (server.frozen) await new Promise(() => {});
        if (server.sick) throw new Error('sick');
      },
      clock: this.clock,
      random: seeded(1),
      log: { ...silentLog, warn: (_facts, message) => void this.warned.push(message) },
      ...options,
    });
  }

  of(name: string): Server {
    return this.servers.get(name)!;
  }

  async ready(): Promise<this> {
    await this.clock.run(10);
    return this;
  }

  /** Does work and moves the clock until it is done. */
  async use(what: string, options?: Parameters<WeightedPool<TestClient>['use']>[1]): Promise<unknown> {
    let over = false;
    const done = this.pool
      .use((client) => client.work(what), options)
      .finally(() => {
        over = true;
      });
    done.catch(() => {});
    while (!over) await this.clock.run(10);
    return done;
  }

  row(name: string) {
    return this.pool.nodes().nodes.find(({ id }) => id === `${name}:1`)!;
  }
}

let world: World;
const made = async (names: string, options?: Partial<PoolOptions<TestClient>>) => {
  world = new World(names, options);
  return world.ready();
};

afterEach(async () => {
  const closed = world.pool.close(0);
  await world.clock.run(3_000);
  await closed;
  for (const [name, { made, closed }] of world.servers)
    assert.equal(closed, made, `${name}: ${made} made, ${closed} closed`);
  assert.equal(world.clock.pending, 0, 'timers are left');
});

describe('work', () => {
  test('is shared among the nodes by weight', async () => {
    const { pool, servers } = await made('ab');
    for (let i = 0; i < 300; i++) await world.use(`${i}`);
    for (const { worked } of servers.values()) assert.ok(worked.length > 100, `${worked.length}`);
    assert.deepEqual(
      pool.nodes().nodes.map(({ state }) => state),
      ['live', 'live'],
    );
  });

  test('waits for the first node', async () => {
    world = new World('a');
    world.of('a').refusing = true;
    const done = world.use('x');
    await world.clock.run(1_000);
    world.of('a').refusing = false;
    assert.equal(await done, 'did x');
  });

  test('that a node refuses is done by another', async () => {
    await made('ab');
    world.of('a').error = coded('ECONNREFUSED');
    for (let i = 0; i < 20; i++) assert.equal(await world.use(`${i}`), `did ${i}`);
    assert.ok(world.row('a').weight < 1_024);
    assert.match(world.row('a').lastCause!, /refused|time/);
  });

  test('that is lost is done again only if that may be', async () => {
    await made('ab', { suspension: { off: true } });
    for (const name of 'ab') world.of(name).error = coded('ECONNRESET');
    await assert.rejects(world.use('x'), (error: RpcError) => {
      assert.ok(RpcError.is(error));
      assert.equal(error.mayHaveExecuted, true);
      assert.deepEqual(
        error.attempts.map(({ outcome }) => outcome),
        ['UNAVAILABLE/CONNECTION_LOST'],
      );
      assert.equal((error.cause as Error).message, 'ECONNRESET');
      return true;
    });
    await assert.rejects(world.use('y', { idempotent: true }), (error: RpcError) => error.attempts.length === 2);
    world.of('b').error = undefined;
    for (let i = 0; i < 10; i++) assert.equal(await world.use(`${i}`, { idempotent: true }), `did ${i}`);
  });

  test('that ends in an answer of the node rejects with that very error, and the node is well', async () => {
    await made('a');
    const answer = new Error('WRONGTYPE');
    world.of('a').error = answer;
    await assert.rejects(world.use('x', { idempotent: true }), (error) => error === answer);
    assert.equal(world.row('a').weight, 1_024);
    assert.deepEqual(world.of('a').worked, ['x']);
  });

  test('that a busy node sends away is done elsewhere, and the node gets less', async () => {
    await made('ab', { classify: (): ErrorKind => 'overload' });
    world.of('a').error = new Error('BUSY');
    for (let i = 0; i < 10; i++) assert.equal(await world.use(`${i}`), `did ${i}`);
    assert.equal(world.row('a').lastCause, 'overload');
  });

  test('on a node that stands still is also done by another, and the node is left', async () => {
    await made('ab', { idempotent: true });
    for (let i = 0; i < 50; i++) await world.use('warm');
    world.of('a').frozen = true;
    world.of('a').worked.length = 0;
    for (let i = 0; i < 200; i++) assert.equal(await world.use(`${i}`), `did ${i}`);
    assert.ok(world.of('a').worked.length <= 20, `${world.of('a').worked.length}`);
  });

  test('may be given up', async () => {
    await made('a');
    world.of('a').frozen = true;
    const controller = new AbortController();
    const done = assert.rejects(
      world.pool.use(
        (client, { signal }) => {
          signal.addEventListener('abort', () => void client.server.worked.push('heard'));
          return client.work('x');
        },
        { signal: controller.signal },
      ),
      { code: 'CANCELLED', mayHaveExecuted: true },
    );
    await world.clock.run(10);
    controller.abort();
    await world.clock.run(10);
    await done;
    assert.deepEqual(world.of('a').worked, ['x', 'heard']);
  });

  test('ends with its deadline', async () => {
    await made('a');
    world.of('a').frozen = true;
    await assert.rejects(world.use('x', { timeout: 200 }), { code: 'DEADLINE_EXCEEDED' });
    assert.equal(world.row('a').inFlight, 1, 'the node is still busy with it');
  });

  test('knows the node it is done on', async () => {
    await made('a');
    const done = world.pool.use((_client, { endpoint }) => endpoint.host);
    await world.clock.run(10);
    assert.equal(await done, 'a');
  });
});

describe('a node', () => {
  test('whose client cannot be made is tried again with a backoff', async () => {
    world = new World('ab');
    world.of('a').refusing = true;
    await world.clock.run(3_000);
    assert.equal(world.row('a').state, 'connecting');
    assert.match(world.row('a').lastCause!, /a:1: ECONNREFUSED/);
    world.of('a').refusing = false;
    await world.clock.run(2_100);
    assert.equal(world.row('a').state, 'live');
  });

  test('whose client is made too late is at fault, and that client is closed', async () => {
    const late: ((client: TestClient) => void)[] = [];
    let signal: AbortSignal | undefined;
    world = new World('a', {
      connectTimeout: 100,
      connect: (_endpoint, context) => {
        signal ??= context.signal;
        return new Promise((resolve) => void late.push(resolve));
      },
    });
    await world.clock.run(120);
    assert.ok(signal!.aborted);
    assert.match(world.row('a').lastCause!, /no answer within 100 ms/);
    for (const resolve of late.splice(0)) resolve(new TestClient(world.of('a'), world.clock));
    await world.clock.run(0);
    assert.equal(world.of('a').closed, 1);
  });

  test('whose client is dead gets a new one', async () => {
    await made('ab', { idempotent: true, classify: (): ErrorKind => 'dead' });
    world.of('a').error = new Error('the protocol is out of step');
    for (let i = 0; i < 10 && world.of('a').closed === 0; i++) assert.equal(await world.use(`${i}`), `did ${i}`);
    assert.equal(world.of('a').closed, 1);
    world.of('a').error = undefined;
    await world.clock.run(500);
    assert.equal(world.row('a').state, 'live');
    assert.equal(world.of('a').made, 2);
  });

  test('whose client says that it is lost gets a new one before any work fails', async () => {
    const losses: ((why: string) => void)[] = [];
    await made('ab', {
      connect: ({ host }, { lost }) => {
        losses.push(lost);
        if (losses.length === 3) lost('gone at once');
        return new TestClient(world?.of(host) ?? new Server(), world.clock);
      },
    });
    losses[0]!('the socket ended');
    assert.equal(world.row('a').state, 'connecting');
    assert.match(world.row('a').lastCause!, /a:1: the socket ended/);
    assert.equal(world.row('a').weight, 512);
    await world.clock.run(105);
    assert.match(world.row('a').lastCause!, /gone at once/);
    await world.clock.run(500);
    assert.equal(world.row('a').state, 'live');
    losses[0]!('again');
    assert.equal(world.row('a').state, 'live', 'it was another client');
  });

  test('whose client is found dead by a check gets a new one', async () => {
    await made('ab', { classify: (error) => ((error as Error).message === 'sick' ? 'dead' : 'answer') });
    world.of('a').sick = true;
    await world.clock.run(1_300);
    world.of('a').sick = false;
    assert.ok(world.of('a').closed > 0);
    await world.clock.run(3_000);
    assert.equal(world.row('a').state, 'live');
  });

  test('whose health fails loses weight though nobody calls it, and gets it back', async () => {
    await made('ab');
    world.of('a').sick = true;
    await world.clock.run(2_500);
    assert.equal(world.row('a').lastCause, 'health');
    assert.ok(world.row('a').weight <= 256, `${world.row('a').weight}`);
    world.of('a').sick = false;
    await world.clock.run(8_000);
    assert.equal(world.row('a').weight, 1_024);
  });

  test('that is suspended comes back when its health is good; without the hook, by time', async () => {
    for (const health of [undefined, { health: undefined as never }]) {
      await made('ab', { idempotent: true, ...health });
      const said: string[] = [];
      world.pool.on('suspended', ({ id }) => void said.push(`${id} suspended`));
      world.pool.on('returned', ({ id, cause }) => void said.push(`${id} returned ${cause}`));
      world.of('a').error = coded('ECONNRESET');
      for (let i = 0; i < 200 && said.length === 0; i++) await world.use(`${i}`);
      world.of('a').error = undefined;
      await world.clock.run(1_500);
      assert.deepEqual(said, ['a:1 suspended', 'a:1 returned probe']);
      if (health === undefined) {
        await Promise.all([world.pool.close(0), world.clock.run(3_000)]);
      }
    }
  });
});

describe('closing', () => {
  test('waits for work under way, for so long', async () => {
    await made('a');
    world.of('a').latency = 500;
    const done = world.pool.use((client) => client.work('x'));
    await world.clock.run(10);
    let closed = false;
    const closing = world.pool.close(1_000).then(() => {
      closed = true;
    });
    await world.clock.run(480);
    assert.ok(!closed);
    await world.clock.run(50);
    assert.equal(await done, 'did x');
    await closing;
    assert.equal(world.of('a').closed, 1);
    await assert.rejects(
      world.pool.use(() => 1),
      { code: 'UNAVAILABLE' },
    );
  });

  test('says so when a client cannot be closed', async () => {
    await made('a', {
      close: (client) => {
        client.server.closed++;
        throw new Error('stuck');
      },
    });
    const closing = world.pool.close(0);
    await world.clock.run(100);
    await closing;
    assert.deepEqual(world.warned, ['closing a client of the pool failed']);
  });
});

describe('options', () => {
  test('are refused by name', async () => {
    await made('a');
    for (const [given, message] of [
      [{ connect: undefined }, /option "connect" is undefined: expected a function/],
      [{ health: 'ping' }, /option "health" is ping: expected a function/],
      [{ connectTimeout: 9 }, /option "connectTimeout" is 9/],
      [{ timeout: 0 }, /option "timeout" is 0/],
      [{ balancer: 'best' }, /option "balancer" is best/],
      [{ registry: undefined }, /option "registry" is missing/],
      [{ suspension: { faults: 0 } }, /suspension\.faults is 0/],
    ] as const) {
      assert.throws(
        () =>
          new WeightedPool({ registry: 'static:a:1', connect: () => 1, ...given } as unknown as PoolOptions<number>),
        message,
      );
    }
  });

  test('an unknown word of classify is said to be one', async () => {
    await made('a', { classify: () => 'broken' as ErrorKind });
    world.of('a').error = new Error('x');
    await assert.rejects(world.use('x'), {
      code: 'INTERNAL',
      message: /classify said "broken": expected one of answer/,
    });
  });
});
