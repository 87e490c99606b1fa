/** In a file of its own: for a while, nothing in this process can start another one. */
import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { WorkerPool } from './worker-pool.ts';

const entry = fileURLToPath(new URL('../../../test/support/pool-worker.ts', import.meta.url));

function setup(t: TestContext): { pool: WorkerPool; lines: string[] } {
  const lines: string[] = [];
  const pool = new WorkerPool({
    clock: systemClock,
    random: () => 0,
    log: { ...silentLog, error: (_facts, message) => lines.push(message) },
    command: { entry, args: ['ready'], id: '0123456789abcdef', of: 1 },
    onChange() {},
  });
  t.after(() => pool.kill());
  return { pool, lines };
}

/** Node emits the system's refusal of a process as an event, or throws it, depending on why: this one is thrown. */
function noMemory(t: TestContext): () => void {
  const mocked = t.mock.method(childProcess, 'fork', () => {
    throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' });
  });
  syncBuiltinESMExports();
  const restore = () => {
    mocked.mock.restore();
    syncBuiltinESMExports();
  };
  t.after(restore);
  return restore;
}

test('a worker for which there is no memory now is started later', async (t) => {
  const { pool, lines } = setup(t);
  await pool.start();
  const restore = noMemory(t);
  process.kill(pool.workers[0]!.pid!, 'SIGKILL');
  await until(() => pool.deaths >= 3, 'a few tries in vain');
  restore();
  await until(() => pool.ready === 1, 'the next worker');
  assert.equal(lines[0], 'a worker died (signal SIGKILL): starting another');
  assert.equal(lines[1], 'a worker died (cannot start a process: spawn ENOMEM): starting another');
});

test('a start for which there is no memory fails with a sentence', async (t) => {
  const { pool } = setup(t);
  noMemory(t);
  await assert.rejects(pool.start(), { message: 'cannot start a process: spawn ENOMEM' });
  await pool.kill();
  assert.deepEqual([pool.workers, pool.deaths], [[], 0]);
});
