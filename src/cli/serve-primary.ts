import { address } from '../core/endpoint.ts';
import { Health } from '../ops/health.ts';
import { makeLog } from '../ops/log.ts';
import { type ServeOptions, serveOptions } from '../server/options.ts';
import { type PreforkServer, prefork } from '../server/prefork/primary.ts';
import { asUsage, given } from './command.ts';
import { podFacts } from './pod.ts';
import { checkWritable } from './registry.ts';
import { registryAuth } from './secrets.ts';
import type { ServeValues } from './serve.ts';
import { startServeOps } from './serve-ops.ts';
import { onSignals } from './signals.ts';

/** The process that holds the port, the registration, the ops port and the signals, and runs no handler. */
export async function serveAsPrimary(values: ServeValues): Promise<void> {
  const { threads: _threads, ops: opsAt, processes, logLevel, ...rest } = given(values);
  const auth = registryAuth();
  if (values.registry !== undefined) checkWritable(values.registry, auth);
  const log = makeLog({ level: logLevel!, ...podFacts() });
  const options: ServeOptions = { ...rest, log, ...(auth === undefined ? {} : { registryAuth: auth }) };
  asUsage(() => serveOptions(options));

  const health = new Health();
  const started = health.hold('starting', 'the server is not registered yet');
  const starting = new AbortController();
  let server: PreforkServer | undefined;
  // From the start on: a signal may come before there is anything to end.
  onSignals(
    log,
    (signal) => {
      if (server === undefined) starting.abort(new Error(`${signal} came before the server had started`));
      else void server.close().then(() => process.exit(0));
    },
    () => void (server?.pool.kill() ?? Promise.resolve()).then(() => process.exit(130)),
  );
  // Before the workers, so that probes are answered from the start, and a port that is taken is known at once.
  const ops = opsAt === undefined ? undefined : await startServeOps(opsAt, () => server, health, log);
  try {
    const entry = process.argv[1]!;
    const args = process.argv.slice(2);
    server = await prefork({ ...options, processes: processes!, entry, args, signal: starting.signal });
  } catch (error) {
    await ops?.close();
    if (!starting.signal.aborted) throw error;
    log.info({}, 'gone');
    process.exit(0);
  }
  watchHealth(server, health, started);
  if (values.registry === undefined) {
    const byHand = `static:${address(server)}`;
    log.warn({ clients: byHand }, 'no --registry is given: only clients that are told the address find this server');
  }
}

/** Ready = registered once, workers there, and not on the way out. */
function watchHealth(server: PreforkServer, health: Health, started: () => void): void {
  const draining = switchable(() => health.hold('draining', 'the server is going away'));
  const noWorker = switchable(() => health.hold('no-worker', 'no worker process can serve'));
  const look = () => {
    if (server.wasRegistered) started();
    draining(server.state !== 'serving');
    noWorker(server.pool.ready === 0);
  };
  server.onChange(look);
  look();
}

/** Holds while told so, once. */
function switchable(hold: () => () => void): (on: boolean) => void {
  let release: (() => void) | undefined;
  return (on) => {
    if (on) release ??= hold();
    else {
      release?.();
      release = undefined;
    }
  };
}
