/** The pool of docs/examples over real redis-servers: one is killed, one freezes, one restarts, under load. No read fails. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { redisPool } from '../docs/examples/pool/redis.ts';
import { systemClock as clock } from '../src/core/clock.ts';
import { RedisServer, redisMissing } from './support/redis-server.ts';
import { until } from './support/until.ts';

const missing = redisMissing();
if (missing !== undefined) console.log(`skipped: the pool over redis: ${missing}`);

interface Read {
  due: number;
  value?: string | null;
  error?: unknown;
  took: number;
}

/** Reads at a fixed rate, whatever becomes of those before. */
class Load {
  readonly reads: Promise<void>[] = [];
  readonly done: Read[] = [];
  #running = true;
  readonly over: Promise<void>;

  constructor(read: () => Promise<string | null>, rate: number) {
    this.over = this.#run(read, rate);
  }

  get failed(): Read[] {
    return this.done.filter(({ value }) => value !== 'the value');
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.over;
    await Promise.all(this.reads);
  }

  async #run(read: () => Promise<string | null>, rate: number): Promise<void> {
    const began = clock.now();
    for (let i = 0; this.#running; i++) {
      const due = began + (i * 1_000) / rate;
      const early = due - clock.now();
      if (early > 1) await clock.sleep(early);
      const end = (end: Pick<Read, 'value' | 'error'>) => void this.done.push({ due, took: clock.now() - due, ...end });
      this.reads.push(
        read().then(
          (value) => end({ value }),
          (error) => end({ error }),
        ),
      );
    }
  }
}

const stopped = (pid: number) => / T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''));

test('no read fails while redis-servers die, freeze and restart', {
  skip: missing ?? false,
  timeout: 120_000,
}, async (t) => {
  const servers = [await RedisServer.start(t), await RedisServer.start(t), await RedisServer.start(t)];
  const [a, b, c] = servers as [RedisServer, RedisServer, RedisServer];
  const pool = redisPool(servers.map(({ address }) => address).join(','));
  t.after(() => pool.close(0));
  const state = (server: RedisServer) => pool.nodes().nodes.find(({ addr }) => addr === server.address)?.state;
  await until(() => servers.every((server) => state(server) === 'live'), 'three live nodes');
  for (const server of servers) {
    const one = redisPool(server.address);
    await one.use((redis) => redis.set('key', 'the value'), { idempotent: false });
    await one.close();
  }

  const load = new Load(() => pool.use((redis) => redis.get('key')), 300);
  await until(() => load.done.length > 150, 'the load');

  await a.kill();
  await until(() => state(a) !== 'live', 'the pool to see that a is gone');
  await a.restart();
  await until(() => state(a) === 'live', 'a to be back');

  b.freeze();
  await until(() => process.platform !== 'linux' || stopped(b.pid), 'b to stand still');
  const before = load.done.length;
  await until(() => load.done.length > before + 600, 'two seconds of reads beside a frozen server');
  b.thaw();

  await c.kill();
  await c.restart();
  await until(() => servers.every((server) => state(server) === 'live'), 'all three to be live again');
  const settled = load.done.length;
  await until(() => load.done.length > settled + 150, 'reads afterwards');
  await load.stop();

  assert.deepEqual(load.failed, []);
  const slow = load.done.filter(({ took }) => took > 5_000);
  assert.deepEqual(slow, [], 'later than its deadline');
});

test('what redis says is an answer, and no fault of its node', { skip: missing ?? false }, async (t) => {
  const server = await RedisServer.start(t);
  const pool = redisPool(server.address);
  t.after(() => pool.close(0));
  await pool.use((redis) => redis.set('text', 'x'));
  await assert.rejects(
    pool.use((redis) => redis.lpush('text', 'y')),
    (error: Error) => error.name === 'ReplyError' && error.message.startsWith('WRONGTYPE'),
  );
  assert.equal(pool.nodes().nodes[0]!.weight, 1_024);
});
