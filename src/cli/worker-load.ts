import type { Load } from '../core/load.ts';
import type { Family, Gauge, Metrics } from '../core/metrics.ts';
import { loadTogether } from '../policy/load-thresholds.ts';

/**
 * Shows what the processes of a server are busy with, as they say it to clients: one series a process, for a mean would hide
 * the one that stands still. Gives the function to call with what each process says now, by its number.
 */
export function workerLoadGauges(metrics: Metrics): (loads: ReadonlyMap<number, Load>) => void {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help, labels: ['worker'] });
  const figures: readonly [Family<Gauge>, (load: Load) => number | undefined][] = [
    [gauge('evenkeel_server_calls_at_work', 'Calls at work in a process'), (load) => load.inFlight],
    [gauge('evenkeel_server_calls_waiting', 'Calls that wait for their turn in a process'), (load) => load.queued],
    [gauge('evenkeel_server_cpu_cores_used', 'CPU time of a process for each second that passed'), (load) => load.cpu],
    [gauge('evenkeel_server_cpu_cores', 'Cores that a process can use'), (load) => load.cores],
    [
      gauge('evenkeel_server_event_loop_delay_seconds', 'The longest delay of the event loop lately'),
      (load) => load.eventLoopDelay && load.eventLoopDelay / 1_000,
    ],
  ];
  const memory = metrics
    .gauge({ name: 'evenkeel_server_memory_share', help: 'Memory of all processes as a share of the limit' })
    .with();
  let shown: ReadonlySet<number> = new Set();
  return (loads) => {
    for (const [worker, load] of loads) {
      for (const [family, of] of figures) {
        const value = of(load);
        if (value === undefined) family.remove(String(worker));
        else family.with(String(worker)).set(value);
      }
    }
    for (const worker of shown) {
      if (!loads.has(worker)) for (const [family] of figures) family.remove(String(worker));
    }
    shown = new Set(loads.keys());
    memory.set(loadTogether([...loads.values()])?.memory ?? 0);
  };
}
