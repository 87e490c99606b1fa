import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Load } from '../core/load.ts';
import { makeMetrics } from '../ops/metrics.ts';
import { workerLoadGauges } from './worker-load.ts';

test('what each process is busy with is a series of its own, and gone with it', async () => {
  const metrics = makeMetrics({ process: false });
  const show = workerLoadGauges(metrics);
  const lines = async () => (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(await lines(), ['evenkeel_server_memory_share 0']);

  const busy = { inFlight: 3, queued: 1, cpu: 1.5, cores: 2, eventLoopDelay: 1_250, memory: 0.5 };
  show(
    new Map<number, Load>([
      [0, busy],
      [1, { inFlight: 0, queued: 0, cores: 2, memory: 0.3 }],
    ]),
  );
  assert.deepEqual(await lines(), [
    'evenkeel_server_calls_at_work{worker="0"} 3',
    'evenkeel_server_calls_at_work{worker="1"} 0',
    'evenkeel_server_calls_waiting{worker="0"} 1',
    'evenkeel_server_calls_waiting{worker="1"} 0',
    'evenkeel_server_cpu_cores_used{worker="0"} 1.5',
    'evenkeel_server_cpu_cores{worker="0"} 2',
    'evenkeel_server_cpu_cores{worker="1"} 2',
    'evenkeel_server_event_loop_delay_seconds{worker="0"} 1.25',
    'evenkeel_server_memory_share 0.4',
  ]);

  show(new Map([[1, { inFlight: 2, queued: 0 }]]));
  assert.deepEqual(await lines(), [
    'evenkeel_server_calls_at_work{worker="1"} 2',
    'evenkeel_server_calls_waiting{worker="1"} 0',
    'evenkeel_server_memory_share 0',
  ]);
});
