import { address, parseAddress } from '../core/endpoint.ts';
import type { Load } from '../core/load.ts';
import type { Log } from '../core/log.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Health } from '../ops/health.ts';
import { makeMetrics } from '../ops/metrics.ts';
import { type OpsServer, startOps } from '../ops/server.ts';
import type { WorkerReport } from '../server/prefork/messages.ts';
import type { PreforkServer } from '../server/prefork/primary.ts';
import type { WorkerProcess } from '../server/prefork/worker-process.ts';
import type { LiveServer } from '../server/settings.ts';
import { workerLoadGauges } from './worker-load.ts';
import { WorkerMetrics } from './worker-metrics.ts';

/** Serves probes, metrics and nodes of a server that may still be starting. Throws where the port cannot be had. */
export async function startServeOps(
  at: string,
  server: () => PreforkServer | undefined,
  health: Health,
  log: Log,
): Promise<OpsServer> {
  const own = makeMetrics();
  const show = serveMetrics(own);
  const merged = new WorkerMetrics<WorkerProcess>();
  const listen = parseAddress(at);
  const ops = await startOps({
    listen,
    log,
    health,
    metrics: async () => {
      const pool = server()?.pool;
      const reports: ReadonlyMap<WorkerProcess, WorkerReport> = (await pool?.reports()) ?? new Map();
      show(server(), new Map(Array.from(reports, ([{ index }, { load }]) => [index, load])));
      return merged.text(await own.json(), pool?.workers ?? [], (worker) => reports.get(worker)?.metrics);
    },
    nodes: () => serverView(server()),
  });
  log.info({ ops: address({ host: listen.host, port: ops.port }) }, 'probes and metrics are served');
  return ops;
}

/** What the primary counts itself. Gives the function to call with what its workers are busy with, by their numbers. */
export function serveMetrics(
  metrics: Metrics,
): (server: PreforkServer | undefined, loads: ReadonlyMap<number, Load>) => void {
  const workers = metrics.gauge({ name: 'evenkeel_server_workers', help: 'Worker processes that can serve' }).with();
  const registered = metrics
    .gauge({ name: 'evenkeel_server_registered', help: '1 while the registry holds this server' })
    .with();
  const deaths = metrics
    .counter({ name: 'evenkeel_server_worker_deaths_total', help: 'Worker processes that died since the start' })
    .with();
  const showSettings = settingsGauges(metrics);
  const showLoad = workerLoadGauges(metrics);
  let counted = 0;
  return (server, loads) => {
    const { ready, deaths: died } = server?.pool ?? { ready: 0, deaths: 0 };
    workers.set(ready);
    registered.set(server?.registration === 'registered' ? 1 : 0);
    deaths.add(died - counted);
    counted = died;
    showSettings(server?.settings);
    showLoad(loads);
  };
}

/** Shows what live settings may change. */
function settingsGauges(metrics: Metrics): (settings: LiveServer | undefined) => void {
  const gauge = (name: string, help: string) => metrics.gauge({ name: `evenkeel_server_${name}`, help }).with();
  const weight = gauge(
    'weight',
    'Share of the traffic relative to other servers, as announced or by the live settings',
  );
  const offline = gauge('offline', '1 while the live settings keep new calls away');
  const most = gauge('max_concurrent', 'Calls that may be at work at once in a worker process');
  return (settings) => {
    if (settings === undefined) return;
    weight.set(settings.weight);
    offline.set(settings.offline ? 1 : 0);
    most.set(settings.limits.maxConcurrent);
  };
}

/** What a server shows of itself at `/nodes`. */
async function serverView(server: PreforkServer | undefined): Promise<object> {
  if (server === undefined) return { version: 1, service: null, registry: null, server: null };
  const reports = await server.pool.reports();
  const unknown = { connections: null, inFlight: null, load: null };
  const workers = server.pool.workers.map((worker) => {
    const { connections, inFlight, load } = reports.get(worker) ?? unknown;
    const { index, pid, state } = worker;
    return { index, pid, state, connections, inFlight, queued: load?.queued ?? null, load };
  });
  const { registry } = server;
  return {
    version: 1,
    service: server.service,
    registry: registry === undefined ? null : { ...registry.status(), url: registry.url, state: server.registration },
    server: { id: server.id, addr: address(server), state: server.state, ...server.settings, workers },
  };
}
