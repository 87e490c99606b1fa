/** The primary in this process, with worker processes that do what `test/support/pool-worker.ts` lets them. */
import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../../test/support/until.ts';
import type { Log } from '../../core/log.ts';
import { silentLog } from '../../core/log.ts';
import type { Registry } from '../../registry/registry.ts';
import { type PreforkOptions, prefork } from './primary.ts';

const entry = fileURLToPath(new URL('../../../test/support/pool-worker.ts', import.meta.url));

/** Options, and the processes that were seen to serve. */
function setup(more: Partial<PreforkOptions>): { options: PreforkOptions; pids: number[] } {
  const pids: number[] = [];
  const info: Log['info'] = (facts) => {
    const { workerPid } = facts as { workerPid?: number };
    if (workerPid !== undefined) pids.push(workerPid);
  };
  const log: Log = { ...silentLog, info, child: () => log };
  const options = { listen: '127.0.0.1:0', processes: 2, entry, args: ['ready'], drainDelay: 0, log, ...more };
  return { options, pids };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('who is made known to nobody need not be reachable by others', async (t) => {
  t.mock.method(os, 'networkInterfaces', () => ({}));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const { options } = setup({ listen: '0.0.0.0:0', processes: 1 });
  const server = await prefork(options);
  t.after(() => server.pool.kill());
  assert.deepEqual([server.state, server.registration, server.pool.ready], ['serving', 'none', 1]);
  await server.close();
});

test('a server that cannot be announced leaves nothing behind', async () => {
  const registry = {
    url: 'test:',
    announce() {
      throw new Error('no room in the registry');
    },
  } as unknown as Registry;
  const { options, pids } = setup({ registry });
  const errors: string[] = [];
  const log: Log = { ...options.log!, error: (_facts, message) => void errors.push(message), child: () => log };
  options.log = log;
  await assert.rejects(prefork(options), { message: 'no room in the registry' });
  assert.equal(pids.length, 2);
  await until(() => !pids.some(isAlive), 'the end of the workers');
  assert.deepEqual(errors, [], 'the one error is what the start fails with');
});
