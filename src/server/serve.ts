import { type Handlers, handlersFlaw, type Methods, type Service, type ServiceModule } from '../core/contract.ts';
import { endpoint } from '../core/endpoint.ts';
import { openRegistry } from '../registry/open.ts';
import type { Registry } from '../registry/registry.ts';
import { advertised } from './advertise.ts';
import { Announcer } from './announcer.ts';
import { type Host, host } from './host.ts';
import { type FilledServeOptions, type ServeOptions, serveOptions } from './options.ts';
import { ServerSettings } from './settings.ts';
import { shutdown } from './shutdown.ts';

/** A service that is being served in this process. */
export interface Server extends AsyncDisposable {
  /** Id of this process start, as clients see it. */
  readonly id: string;
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  readonly state: 'serving' | 'draining' | 'closed';
  /** Calls at work. */
  readonly inFlight: number;
  /** Resolves when the registry holds it for the first time; at once without a registry. */
  readonly registered: Promise<void>;
  /**
   * Goes away without losing a call: takes the registration back, tells the clients, serves on for `drainDelay`, finishes
   * what runs. Never rejects; a second call waits for the first.
   *
   * A server in your own process hears no signals by itself, because the process is yours. Kubernetes says SIGTERM and waits
   * `terminationGracePeriodSeconds`, which must be at least `grace`:
   *
   * ```ts
   * process.once('SIGTERM', () => server.close());
   * ```
   *
   * The process ends by itself then, if nothing else keeps it alive. Without this it ends at once, and the calls that it is
   * at work on with it.
   */
  close(): Promise<void>;
}

/**
 * Serves a service in this process. Resolves when it listens; it does not wait for the registry. Rejects with one
 * sentence where the port cannot be had, an option is wrong, or handlers and contract do not have the same methods. It hears
 * no signals: see `Server.close`.
 */
export async function serve<M extends Methods>(
  service: Service<M>,
  handlers: Handlers<M>,
  options: ServeOptions = {},
): Promise<Server> {
  const filled = serveOptions(options);
  const module = { service, handlers } as unknown as ServiceModule;
  const flaw = handlersFlaw(service, handlers);
  if (flaw !== undefined) throw new TypeError(`the service has ${flaw}`);
  const { clock, log, random, id } = filled;
  const registry = open(filled.registry, { clock, log, random, auth: options.registryAuth });
  let serving: Host | undefined;
  try {
    serving = await host(module, { ...filled, worker: { index: 0, of: 1 } });
    const listening = { host: filled.listen.host, port: serving.port };
    // Who is made known to nobody need not be reachable by others.
    const own =
      registry === undefined ? endpoint({ ...listening, id }) : ownEndpoint(filled, listening, service.name, 1);
    const announcer = new Announcer(registry?.registry, own);
    announcer.announce();
    const settings = new ServerSettings(registry?.registry, filled, serving.limit);
    return running(filled, serving, announcer, settings, async () => registry?.own?.close());
  } catch (error) {
    serving?.destroy();
    await registry?.own?.close();
    throw error;
  }
}

function running(
  options: FilledServeOptions,
  serving: Host,
  announcer: Announcer,
  settings: ServerSettings,
  closeRegistry: () => Promise<void>,
): Server {
  let state: Server['state'] = 'serving';
  let closing: Promise<void> | undefined;
  const close = async () => {
    state = 'draining';
    settings.close();
    await shutdown({ unready: () => {}, withdraw: () => announcer.leave(), serving, closeRegistry }, options);
    state = 'closed';
  };
  const server: Server = {
    id: options.id,
    host: options.listen.host,
    port: serving.port,
    get state() {
      return state;
    },
    get inFlight() {
      return serving.inFlight;
    },
    registered: announcer.registered,
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  return server;
}

type OpenOptions = Parameters<typeof openRegistry>[1];

/** The registry, and the same as `own` if it was opened here and so is closed here. */
export function open(
  given: string | Registry | undefined,
  options: OpenOptions,
): { registry: Registry; own: Registry | undefined } | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'string') return { registry: given, own: undefined };
  const registry = openRegistry(given, options);
  return { registry, own: registry };
}

/** What a server says of itself in the registry. */
export function ownEndpoint(
  options: ReturnType<typeof serveOptions>,
  listening: { host: string; port: number },
  service: string,
  workers: number,
) {
  const { id, weight, zone, tags, version } = options;
  return endpoint({
    ...advertised(options.advertise, listening),
    id,
    weight,
    workers,
    service,
    ...(zone === undefined ? {} : { zone }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(version === undefined ? {} : { version }),
  });
}
