/** The pool with real processes, which do what `test/support/pool-worker.ts` lets them. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../../test/support/until.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { WorkerPool } from './worker-pool.ts';

const entry = fileURLToPath(new URL('../../../test/support/pool-worker.ts', import.meta.url));

interface Setup {
  of?: number;
  clock?: Clock;
}

function makePool(test: TestContext, behaviour: string, { of = 2, clock = systemClock }: Setup = {}) {
  const changes: number[] = [];
  const lines: string[] = [];
  const pool = new WorkerPool({
    clock,
    // The top of what a backoff may be.
    random: () => 1,
    log: { ...silentLog, error: (_facts, message) => lines.push(message) },
    command: { entry, args: [behaviour], id: '0123456789abcdef', of },
    onChange: (ready) => changes.push(ready),
  });
  test.after(() => pool.kill());
  return { pool, changes, lines };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pids = (pool: WorkerPool) => pool.workers.map(({ pid }) => pid!);
const kill = (pool: WorkerPool, index: number, signal: NodeJS.Signals = 'SIGKILL') =>
  process.kill(pool.workers.find((worker) => worker.index === index)!.pid!, signal);

describe('the start', { concurrency: true }, () => {
  it('gives the service when every worker can serve', async (test) => {
    const { pool, changes } = makePool(test, 'ready', { of: 3 });
    assert.equal(await pool.start(), 'test');
    assert.equal(pool.ready, 3);
    assert.deepEqual(changes, [1, 2, 3]);
    assert.deepEqual(pool.workers.map(({ index }) => index).sort(), [0, 1, 2]);
  });

  it('fails with the sentence of a worker that cannot serve', async (test) => {
    const { pool, lines } = makePool(test, 'fail');
    await assert.rejects(pool.start(), { message: 'no luck today' });
    await pool.kill();
    assert.deepEqual(lines, [], 'a failed start is for the caller to tell');
  });

  it('fails with how a worker ended that said nothing, and starts no other', async (test) => {
    const clock = new VirtualClock();
    const { pool } = makePool(test, 'exit', { of: 1, clock });
    await assert.rejects(pool.start(), { message: 'a worker process ended while it started: exit code 3' });
    assert.equal(clock.pending, 0);
    assert.equal(pool.deaths, 0);
  });

  it('ends when it is told to, and then leaves no process', async (test) => {
    const { pool } = makePool(test, 'slow');
    const starting = new AbortController();
    const started = pool.start(starting.signal);
    const all = pids(pool);
    assert.equal(all.length, 2);
    starting.abort(new Error('told to go'));
    await assert.rejects(started, { message: 'told to go' });
    await pool.kill();
    assert.deepEqual(all.map(isAlive), [false, false]);
  });

  it('does not begin where it was told to end before', async (test) => {
    const { pool } = makePool(test, 'ready');
    await assert.rejects(pool.start(AbortSignal.abort(new Error('told to go'))), { message: 'told to go' });
    assert.equal(pool.workers.length, 0);
  });
});

describe('a worker that dies', { concurrency: true }, () => {
  it('is replaced at once, and the others serve on', async (test) => {
    const { pool, changes, lines } = makePool(test, 'ready');
    await pool.start();
    const [killed, other] = pids(pool);
    kill(pool, 0);
    await until(() => pool.ready === 2 && pool.deaths === 1, 'the next worker');
    assert.ok(!pids(pool).includes(killed!));
    assert.ok(pids(pool).includes(other!));
    assert.deepEqual(changes.slice(0, 3), [1, 2, 1]);
    assert.equal(changes.at(-1), 2);
    assert.deepEqual(lines, ['a worker died (signal SIGKILL): starting another']);
  });

  it('again and again is replaced later and later, up to five seconds', async (test) => {
    const clock = new VirtualClock();
    const { pool, lines } = makePool(test, 'crash', { of: 1, clock });
    await pool.start();
    // The first time at once; then 2 x 50 ms and twice that each time, the top of the backoff's range.
    for (const [round, wait] of [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].entries()) {
      await until(() => pool.workers.length === 0, `death ${round + 1}`);
      assert.equal(pool.deaths, round + 1);
      assert.equal(lines.length, round + 1);
      clock.advance(wait - 1);
      assert.equal(pool.workers.length, 0, `not before ${wait} ms`);
      clock.advance(1);
      assert.equal(pool.workers.length, 1, `after ${wait} ms`);
    }
  });

  it('is replaced at once again after it has lived for ten seconds', async (test) => {
    const clock = new VirtualClock();
    const { pool } = makePool(test, 'ready', { of: 1, clock });
    await pool.start();
    for (let i = 1; i <= 2; i++) {
      kill(pool, 0);
      await until(() => pool.deaths === i, 'its death');
      clock.advance(i === 1 ? 0 : 100);
      await until(() => pool.ready === 1, 'the next one');
    }
    clock.advance(10_001);
    kill(pool, 0);
    await until(() => pool.deaths === 3, 'its death');
    clock.advance(0);
    assert.equal(pool.workers.length, 1);
  });

  it('counts as gone as soon as it leaves its primary, and its successor comes when the process has ended', async (test) => {
    const { pool, changes } = makePool(test, 'leave', { of: 1 });
    await pool.start();
    await until(() => pool.ready === 0, 'the worker to leave');
    assert.equal(pool.workers[0]!.state, 'leaving');
    assert.deepEqual(changes, [1, 0]);
    const [left] = pids(pool);
    kill(pool, 0);
    await until(() => pool.deaths === 1 && pool.workers.length === 1, 'the next one');
    assert.notEqual(pids(pool)[0], left);
  });
});

describe('the way out', { concurrency: true }, () => {
  it('is over when every worker has finished, and none is started again', async (test) => {
    const { pool } = makePool(test, 'ready');
    await pool.start();
    const all = pids(pool);
    pool.drain();
    await pool.refuse();
    await pool.finish(60_000);
    assert.deepEqual(all.map(isAlive), [false, false]);
    assert.equal(pool.workers.length, 0);
    assert.equal(pool.deaths, 0);
  });

  it('kills who has not finished a second after the time', async (test) => {
    const clock = new VirtualClock();
    const { pool } = makePool(test, 'deaf', { of: 1, clock });
    await pool.start();
    const finished = pool.finish(5_000);
    clock.advance(5_999);
    assert.equal(clock.pending, 1);
    assert.ok(isAlive(pids(pool)[0]!));
    clock.advance(1);
    await finished;
    assert.equal(pool.workers.length, 0);
  });

  it('does not wait for a worker that is just starting', async (test) => {
    const clock = new VirtualClock();
    const { pool } = makePool(test, 'slow', { of: 1, clock });
    const started = assert.rejects(pool.start(), /signal SIGKILL/);
    pool.drain();
    await pool.finish(60_000);
    await started;
    assert.equal(clock.pending, 0, 'no restart is planned, no time is kept');
  });

  it('starts nothing again that was waiting for its turn', async (test) => {
    const clock = new VirtualClock();
    const { pool } = makePool(test, 'crash', { of: 1, clock });
    await pool.start();
    await until(() => pool.deaths === 1, 'its death');
    await pool.finish(1_000);
    clock.advance(60_000);
    assert.equal(pool.workers.length, 0);
  });

  it('works when all the workers are dead', async (test) => {
    const clock = new VirtualClock();
    const { pool } = makePool(test, 'ready', { clock });
    await pool.start();
    kill(pool, 0);
    kill(pool, 1);
    await until(() => pool.deaths === 2, 'their death');
    pool.drain();
    await pool.refuse();
    await pool.finish(1_000);
    assert.equal(clock.pending, 0);
  });
});

describe('reports', { concurrency: true }, () => {
  it('come from every worker', async (test) => {
    const { pool } = makePool(test, 'ready');
    await pool.start();
    const reports = await pool.reports();
    assert.deepEqual(
      [...reports].map(([worker, { metrics }]) => worker.pid === metrics),
      [true, true],
    );
  });

  it('do not wait for a frozen worker longer than a second, and come again when it thaws', async (test) => {
    const { pool } = makePool(test, 'ready');
    await pool.start();
    kill(pool, 1, 'SIGSTOP');
    const reporting = async () => [...(await pool.reports()).keys()].map(({ index }) => index).join();
    // On a busy machine the other one may need more than a second, too: then it is asked again.
    for (const round of ['first', 'second']) {
      await until(async () => (await reporting()) === '0', `the ${round} report of the other worker alone`);
    }
    kill(pool, 1, 'SIGCONT');
    await until(async () => (await pool.reports()).size === 2, 'both reports');
  });
});
