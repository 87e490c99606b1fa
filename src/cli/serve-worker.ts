import { systemClock } from '../core/clock.ts';
import { makeLog } from '../ops/log.ts';
import { makeMetrics } from '../ops/metrics.ts';
import { runWorker } from '../server/prefork/worker.ts';
import { threadRunner } from '../server/threads.ts';
import { given } from './command.ts';
import { loadModule } from './load-module.ts';
import { podFacts } from './pod.ts';
import type { ServeValues } from './serve.ts';

/** A worker process: it has the handlers, and obeys the primary instead of signals. Does not return. */
export async function serveAsWorker(
  moduleUrl: string,
  values: ServeValues,
  worker: { index: number; of: number; id: string },
): Promise<never> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  const { registry: _registry, threads = 0, ops: _ops, processes: _processes, logLevel, ...rest } = given(values);
  const log = makeLog({ level: logLevel!, worker: worker.index, ...podFacts() });
  const metrics = makeMetrics();
  const runner =
    threads === 0
      ? undefined
      : (module: Awaited<ReturnType<typeof loadModule>>) => {
          const onBroken = () => process.exit(1);
          return threadRunner({ moduleUrl, module, threads, now: systemClock.now, log, onBroken });
        };
  try {
    const metricsJson = () => metrics.json();
    await runWorker(() => loadModule(moduleUrl), {
      ...rest,
      worker,
      log,
      metrics,
      metricsJson,
      ...(runner === undefined ? {} : { runner }),
    });
  } catch (err) {
    // The primary has been told why, and says it once for all its workers.
    log.debug({ err }, 'the worker cannot serve');
    process.exit(1);
  }
  process.exit(0);
}
