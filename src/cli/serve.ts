import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { address, parseAddress } from '../core/endpoint.ts';
import type { Log } from '../core/log.ts';
import { Health } from '../ops/health.ts';
import { makeLog } from '../ops/log.ts';
import { type MetricsJson, makeMetrics, mergeMetrics } from '../ops/metrics.ts';
import { startOps } from '../ops/server.ts';
import { workerIdentity } from '../server/prefork/messages.ts';
import { type PreforkServer, prefork } from '../server/prefork/primary.ts';
import { runWorker } from '../server/prefork/worker.ts';
import { threadInvoke } from '../server/threads.ts';
import { command } from './command.ts';
import { loadModule, moduleUrl } from './load-module.ts';
import type { OptionValues } from './options.ts';
import { registryAuth } from './secrets.ts';
import { onSignals } from './signals.ts';

const names = [
  'registry',
  'listen',
  'advertise',
  'processes',
  'threads',
  'ops',
  'weight',
  'zone',
  'maxConcurrent',
  'handlerTimeout',
  'drainDelay',
  'grace',
  'logLevel',
] as const;

type Values = Pick<OptionValues, (typeof names)[number]>;

export function serveCommand(): Command {
  const made = command('serve', 'Serves a module: a primary process and its workers.', names, {
    listen: '0.0.0.0:7000',
  });
  made
    .argument(
      '[MODULE]',
      'a file that exports default { service, handlers }, or "pi" for the demonstration service',
      'pi',
    )
    .addHelpText(
      'after',
      '\nExample:\n  evenkeel serve pi --registry zookeeper://127.0.0.1:2181/demo --listen 127.0.0.1:8081 --processes 4' +
        "\n\nThe registry's secret is read from EVENKEEL_REGISTRY_AUTH, or the file that EVENKEEL_REGISTRY_AUTH_FILE names.",
    )
    .action(async (name: string) => {
      const worker = workerIdentity(process.env);
      if (worker === undefined) await primary(moduleUrl(name), made.values());
      else await work(moduleUrl(name), made.values(), worker);
    });
  return made;
}

/** The process that holds the port, the registration, the ops port and the signals, and runs no handler. */
async function primary(_module: string, values: Values): Promise<void> {
  const log = makeLog({ level: values.logLevel!, ...podFacts() });
  const health = new Health();
  const release = health.hold('starting', 'the server is not registered yet');
  let server: PreforkServer | undefined;
  let told = false;
  const leave = () => {
    told = true;
    void server?.close().then(() => process.exit(0));
  };
  // From the start on: a signal may come before there is anything to end.
  onSignals(log, leave, () => {
    server?.pool.kill();
    process.exit(130);
  });
  const { registry, threads: _threads, ops: opsAt, processes, ...rest } = given(values);
  const auth = registryAuth();
  server = await prefork({
    ...rest,
    ...(registry === undefined ? {} : { registry }),
    ...(auth === undefined ? {} : { registryAuth: auth }),
    processes: processes!,
    entry: process.argv[1]!,
    args: process.argv.slice(2),
    log,
  });
  if (told) return leave();
  watchHealth(server, health, release);
  await startOpsPort(values.ops, server, health, log).catch((error) => {
    server.pool.kill();
    throw error;
  });
}

/** Ready = registered once, workers there, and not on the way out. */
function watchHealth(server: PreforkServer, health: Health, started: () => void): void {
  let noWorker: (() => void) | undefined;
  const look = () => {
    if (server.wasRegistered) started();
    if (server.state !== 'serving') health.hold('draining', 'the server is going away');
    if (server.pool.ready > 0) {
      noWorker?.();
      noWorker = undefined;
    } else noWorker ??= health.hold('no-worker', 'no worker process can serve');
  };
  server.onChange(look);
  look();
}

async function startOpsPort(at: string | undefined, server: PreforkServer, health: Health, log: Log): Promise<void> {
  if (at === undefined) return;
  const own = makeMetrics();
  const workers = own.gauge({ name: 'evenkeel_server_workers', help: 'Worker processes that can serve' }).with();
  const registered = own
    .gauge({ name: 'evenkeel_server_registered', help: '1 while the registry holds this server' })
    .with();
  const deaths = own
    .gauge({ name: 'evenkeel_server_worker_deaths', help: 'Worker processes that died since the start' })
    .with();
  const ops = await startOps({
    listen: parseAddress(at),
    log,
    health,
    metrics: async () => {
      workers.set(server.pool.ready);
      registered.set(server.registration === 'registered' ? 1 : 0);
      deaths.set(server.pool.deaths);
      const reports = [...(await server.pool.reports()).values()].map((report) => report.metrics as MetricsJson);
      return mergeMetrics([await own.json(), ...reports]);
    },
    nodes: () => serverView(server),
  });
  log.info({ ops: address({ host: parseAddress(at).host, port: ops.port }) }, 'probes and metrics are served');
}

/** What a server shows of itself at `/nodes`. */
async function serverView(server: PreforkServer): Promise<object> {
  const reports = await server.pool.reports();
  const workers = server.pool.workers.map((worker) => {
    const { connections, inFlight, queued } = reports.get(worker) ?? {
      connections: null,
      inFlight: null,
      queued: null,
    };
    return { index: worker.index, pid: worker.pid, state: worker.state, connections, inFlight, queued };
  });
  return {
    version: 1,
    service: server.service,
    registry:
      server.registry === undefined
        ? null
        : { url: server.registry.url, state: server.registration, ...server.registry.status() },
    server: { id: server.id, addr: address(server), state: server.state, workers },
  };
}

/** A worker process: it has the handlers, and obeys the primary instead of signals. */
async function work(url: string, values: Values, worker: { index: number; of: number; id: string }): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {});
  const log = makeLog({ level: values.logLevel!, worker: worker.index, ...podFacts() });
  const metrics = makeMetrics();
  const { registry: _registry, threads = 0, ops: _ops, processes: _processes, ...rest } = given(values);
  const load = () => loadModule(url);
  const threaded = threads === 0 ? undefined : await threadInvoke(url, await load(), threads, systemClock.now, log);
  await runWorker(load, {
    ...rest,
    worker,
    log,
    metrics,
    metricsJson: () => metrics.json(),
    ...(threaded === undefined ? {} : { invoke: threaded.invoke }),
  });
  await threaded?.close();
  process.exit(0);
}

/** The options that were given or have a default: the library fills in the others. */
function given(values: Values): Partial<{ [Name in keyof Values]: NonNullable<Values[Name]> }> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function podFacts() {
  return { pod: process.env.POD_NAME, node: process.env.NODE_NAME };
}
