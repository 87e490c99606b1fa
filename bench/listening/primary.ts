/** `primary.ts MODE WORKERS PORT probe|no-probe`: a prefork server in one of the modes. The bench holds its IPC channel. */
import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { systemClock as clock } from '../../src/core/clock.ts';
import { type FromPrimary, type FromWorker, host, type Mode, type ToPrimary, type ToWorker } from './modes.ts';

const mode = process.argv[2] as Mode;
const size = Number(process.argv[3]);
/** 0 = any. In a cluster all workers ask for the same one, 0 too. */
const asked = Number(process.argv[4]);
let port = asked;
const probe = process.argv[5] === 'probe';
const entry = fileURLToPath(new URL('./worker.ts', import.meta.url));
const workers: (ChildProcess | undefined)[] = new Array(size).fill(undefined);
const ending = new Set<ChildProcess>();

const report = (message: FromPrimary) => process.send!(message);
const tell = (worker: ChildProcess, message: ToWorker) => worker.connected && worker.send(message, () => {});
const living = () => workers.filter((worker) => worker?.connected === true) as ChildProcess[];

function spawn(index: number): ChildProcess {
  const env = { ...process.env, LISTENING_MODE: mode, LISTENING_WORKER: String(index) };
  return mode.startsWith('cluster') ? cluster.fork(env).process : fork(entry, { env, execArgv: [] });
}

/** Sockets given to a worker that has not said yet that it has them. Kept open here until then. */
const given = new Map<number, { socket: Socket; worker: ChildProcess }>();
let lastGiven = 0;
/** Sockets that came while no worker lived: the next one gets them. */
const unserved: Socket[] = [];

function handOut(socket: Socket): void {
  const worker = living()[++lastGiven % Math.max(1, living().length)];
  if (worker === undefined) return void unserved.push(socket);
  given.set(lastGiven, { socket, worker });
  worker.send({ type: 'given', id: lastGiven } as ToWorker, socket, { keepOpen: true }, () => {});
}

async function start(index: number): Promise<void> {
  const worker = spawn(index);
  const ready = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWorker, handle: unknown) => {
      if (message.type === 'ready') {
        if (message.port !== 0) port = message.port;
        resolve();
      } else if (message.type === 'lent') {
        lent?.(handle as Server);
      } else if (message.type === 'taken') {
        given.get(message.id)?.socket.destroy();
        given.delete(message.id);
      }
    });
    worker.on('exit', () => reject(new Error('the worker ended')));
  });
  // Not 'exit': a 'taken' may still be on its way then. Not 'disconnect': Node never emits it while it waits for the
  // acknowledgement of a handle, which is also why node:cluster orphans sockets.
  worker.on('close', () => {
    for (const [id, { socket, worker: to }] of given) {
      if (to !== worker) continue;
      given.delete(id);
      handOut(socket);
    }
  });
  worker.on('exit', () => {
    if (workers[index] !== worker || ending.has(worker)) return;
    workers[index] = undefined;
    start(index).then(
      () => report({ type: 'replaced', pids: pids() }),
      () => {},
    );
  });
  if (mode === 'fork-handle') await share(worker);
  else tell(worker, { type: 'listen', port: mode.startsWith('cluster') ? asked : port });
  await ready;
  workers[index] = worker;
  for (const socket of unserved.splice(0)) handOut(socket);
}

const pids = () => workers.map((worker) => worker?.pid ?? 0);

let shared: Server | undefined;
let lent: ((server: Server) => void) | undefined;

/**
 * Gives the listening socket to a worker. A net.Server that is open here accepts here too, and a worker cannot give back
 * what it was given without that: so the primary holds it only as long as it must, and hands out what it took meanwhile.
 */
async function share(worker: ChildProcess): Promise<void> {
  let server = shared;
  const lender = living()[0];
  if (server === undefined && lender !== undefined) {
    const answer = new Promise<Server>((resolve) => {
      lent = resolve;
    });
    tell(lender, { type: 'lend' });
    server = await answer;
  }
  if (server === undefined) server = await listenHere(port);
  const lentNow = server !== shared;
  if (lentNow) server.on('connection', handOut);
  worker.send({ type: 'given' } satisfies ToWorker, server, () => {
    if (lentNow) server.close();
  });
}

async function listenHere(at: number, options: { pauseOnConnect?: boolean } = {}): Promise<Server> {
  const server = createServer(options);
  server.listen({ host, port: at });
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
  return server;
}

async function main(): Promise<void> {
  if (mode.startsWith('cluster')) {
    cluster.schedulingPolicy = mode === 'cluster-rr' ? cluster.SCHED_RR : cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: entry, execArgv: [] });
  }
  if (probe) (await listenHere(port)).close();
  if (mode === 'fork-handle') shared = (await listenHere(port)).on('connection', handOut);
  if (mode === 'hand-out') (await listenHere(port, { pauseOnConnect: true })).on('connection', handOut);
  for (let index = 0; index < size; index++) await start(index);
  shared?.close();
  shared = undefined;
  report({ type: 'up', port, pids: pids() });
}

/** Replaces the workers one after the other: the new one serves before the old one is told to go. */
async function roll(): Promise<void> {
  for (let index = 0; index < size; index++) {
    const old = workers[index];
    if (old !== undefined) ending.add(old);
    await start(index);
    if (old === undefined) continue;
    const gone = once(old, 'exit');
    tell(old, { type: 'retire' });
    await gone;
    await clock.sleep(100);
  }
  report({ type: 'replaced', pids: pids() });
}

process.on('message', (message: ToPrimary) => {
  if (message.type === 'roll') roll();
});
process.on('disconnect', () => {
  for (const worker of living()) worker.kill('SIGKILL');
  process.exit(0);
});
main().catch((cause: NodeJS.ErrnoException) => {
  report({ type: 'failed', code: cause.code ?? cause.message });
  process.exit(1);
});
