import { createServer, type Server as NetServer } from 'node:net';
import { address, endpoint } from '../../core/endpoint.ts';
import type { Lease } from '../../registry/registry.ts';
import { listenError } from '../../transport/network.ts';
import { advertised } from '../advertise.ts';
import { Announcer } from '../announcer.ts';
import { type ServeOptions, serveOptions } from '../options.ts';
import { open, ownEndpoint } from '../serve.ts';
import { type LiveServer, ServerSettings } from '../settings.ts';
import { shutdown } from '../shutdown.ts';
import { WorkerPool } from './worker-pool.ts';

export interface PreforkOptions extends ServeOptions {
  /** Worker processes. 1..1,024. */
  processes: number;
  /** The program that is a worker when the environment says so (`messages.ts`), and its arguments. */
  entry: string;
  args: readonly string[];
  /** Ends a start that is under way: `prefork` then rejects with its reason, and leaves nothing behind. */
  signal?: AbortSignal;
}

/** A server of several processes, seen from the one that holds them together and runs no handler itself. */
export interface PreforkServer {
  readonly id: string;
  readonly service: string;
  readonly host: string;
  readonly port: number;
  readonly state: 'serving' | 'draining' | 'closed';
  readonly registration: Lease['state'] | 'none';
  /** True once it was registered; never false again. Always true without a registry. */
  readonly wasRegistered: boolean;
  /** Called when the registration or the number of workers that can serve changes. */
  onChange(listener: () => void): void;
  /** What holds by the live settings, or else by the options. */
  readonly settings: LiveServer;
  readonly pool: WorkerPool;
  readonly registry: { url: string; status(): Record<string, unknown> } | undefined;
  /** Goes away without losing a call. Never rejects; a second call waits for the first. */
  close(): Promise<void>;
}

/**
 * Listens, starts the workers, and announces the server when all of them can serve. Rejects with one sentence where the
 * port cannot be had, an option is wrong or a worker cannot start.
 */
export async function prefork(options: PreforkOptions): Promise<PreforkServer> {
  const filled = serveOptions(options);
  const { clock, log, random, id } = filled;
  if (!Number.isInteger(options.processes) || options.processes < 1 || options.processes > 1_024) {
    throw new RangeError(`option "processes" is ${options.processes}: expected a whole number from 1 to 1024`);
  }
  // Where nobody could reach it, it shall not start at all.
  if (filled.registry !== undefined) advertised(filled.advertise, filled.listen);
  const registry = open(filled.registry, { clock, log, random, auth: options.registryAuth });
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  let announcer: Announcer | undefined;
  let state: PreforkServer['state'] = 'serving';
  /** True while some worker can serve. */
  let manned = false;
  const command = { entry: options.entry, args: options.args, id, of: options.processes };
  const pool = new WorkerPool({ clock, random, log, command, onChange: onWorkers });

  /** Nobody is told of a server that has no worker left. */
  function onWorkers(ready: number): void {
    if (announcer !== undefined && state === 'serving' && ready > 0 !== manned) {
      manned = ready > 0;
      if (manned) announcer.announce();
      else {
        log.error({}, 'no worker is left: taking the registration back');
        void announcer.withdraw();
      }
    }
    changed();
  }

  const port = await listen(filled.listen, pool).catch(async (error) => {
    await registry?.own?.close();
    throw error;
  });
  const listening = { host: filled.listen.host, port: port.number };
  const begin = async () => {
    const service = await pool.start(options.signal);
    const made =
      registry === undefined
        ? endpoint({ ...listening, id })
        : ownEndpoint(filled, listening, service, options.processes);
    const known = new Announcer(registry?.registry, made, changed);
    announcer = known;
    // A worker may have died since.
    manned = pool.ready > 0;
    if (manned) known.announce();
    return { service, own: made, known };
  };
  // Whatever fails: port and workers would keep a server alive that nobody holds.
  const { service, own, known } = await begin().catch(async (error) => {
    announcer = undefined;
    port.server.close();
    await pool.kill();
    await registry?.own?.close();
    throw error;
  });
  log.info({ id, service, listen: address(listening), advertise: address(own), workers: options.processes }, 'serving');

  const settings = new ServerSettings(registry?.registry, filled, (limits) => pool.limit(limits));
  const close = async () => {
    settings.close();
    await shutdown(
      {
        unready: () => {
          state = 'draining';
          changed();
        },
        withdraw: () => known.leave(),
        serving: {
          drain: () => pool.drain(),
          refuse: async () => {
            port.server.close();
            await pool.refuse();
          },
          finish: (timeout) => pool.finish(timeout),
        },
        closeRegistry: async () => registry?.own?.close(),
      },
      filled,
    );
    state = 'closed';
  };
  let closing: Promise<void> | undefined;
  return {
    id,
    service,
    ...listening,
    pool,
    registry: registry?.registry,
    get state() {
      return state;
    },
    get settings() {
      return settings.now;
    },
    get registration() {
      return known.state;
    },
    get wasRegistered() {
      return known.wasRegistered;
    },
    onChange: (listener) => void listeners.add(listener),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Takes the port, and hands out its connections. Not a byte of them is read here. */
function listen(at: { host: string; port: number }, pool: WorkerPool): Promise<{ number: number; server: NetServer }> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => {});
      pool.handOut.handOut(socket);
    });
    server.once('error', (error) => reject(listenError(error, at)));
    server.listen(at, () => {
      server.removeAllListeners('error');
      server.on('error', () => {});
      resolve({ number: (server.address() as { port: number }).port, server });
    });
  });
}
