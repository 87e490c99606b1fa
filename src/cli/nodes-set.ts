import type { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { address, type Endpoint } from '../core/endpoint.ts';
import { makeLog } from '../ops/log.ts';
import { settingChanges } from '../policy/live-settings.ts';
import { noSettings, readSettings, type Settings } from '../policy/settings.ts';
import { editNode, type NodeEdit } from '../policy/settings-edit.ts';
import { openRegistry } from '../registry/open.ts';
import type { Registry } from '../registry/registry.ts';
import { command, Failure, UsageError, unsaid } from './command.ts';
import { requireRegistry } from './registry.ts';
import { registryAuth } from './secrets.ts';

/** How long the registry is given to answer, ms. */
const patience = 5_000;
/** How many servers a sentence names. */
const mostNamed = 20;

/** @param outer the registry that was named before `set` */
export function nodesSetCommand(outer: () => string | undefined): Command {
  const made = command(
    'set',
    'Changes the live settings of one server: its clients follow within a second, nothing is restarted.',
    ['registry', 'weight', 'offline', 'online', 'reset', 'logLevel'],
    // The variable of `weight` is there for the server that runs in the same container.
    { logLevel: 'error', weight: unsaid },
  );
  return made
    .summary('Changes the weight of a server, or takes it offline, while it runs')
    .showHelpAfterError('(evenkeel nodes set --help says more)')
    .argument('<ID>', 'the id of a server, the beginning of it, or its HOST:PORT')
    .addHelpText(
      'after',
      '\nExamples:\n  evenkeel nodes set a4c2 --weight 512 --registry zookeeper://127.0.0.1:2181/demo' +
        '\n  evenkeel nodes set 10.0.0.1:7000 --offline --registry zookeeper://127.0.0.1:2181/demo' +
        '\n\nWhat is set goes with the server: one that starts again has another id, and nothing is set of it.',
    )
    .action(async (id: string) => {
      const { registry: inner, logLevel, ...values } = made.values();
      const edit = editOf(values);
      // An empty variable in a script must not stand for the only server there is.
      if (id === '')
        throw new UsageError('ID is empty: expected the id of a server, the beginning of it, or HOST:PORT');
      const auth = registryAuth();
      const url = requireRegistry(inner ?? outer(), auth);
      const registry = openRegistry(url, { auth, log: makeLog({ level: logLevel!, destination: 'stderr' }) });
      try {
        for (const line of await setNode(registry, id, edit)) console.log(line);
      } finally {
        await registry.close();
      }
    });
}

/** What the options ask for. Throws a UsageError where they contradict each other, or ask for nothing. */
export function editOf(given: {
  weight?: number | undefined;
  offline?: boolean | undefined;
  online?: boolean | undefined;
  reset?: boolean | undefined;
}): NodeEdit {
  const { weight, offline = false, online = false, reset = false } = given;
  if (weight === undefined && !offline && !online && !reset) {
    throw new UsageError('say what to set: --weight N, --offline, --online or --reset');
  }
  if (offline && online) throw new UsageError('--offline and --online contradict each other: give one of them');
  if (reset && (weight !== undefined || offline || online)) {
    throw new UsageError('--reset forgets all that was set: give it alone');
  }
  return {
    ...(reset ? { reset } : {}),
    ...(weight === undefined ? {} : { weight }),
    ...(offline || online ? { offline } : {}),
  };
}

/** Does it, and gives what it changed, line by line. Rejects with one sentence. */
export async function setNode(registry: Registry, id: string, edit: NodeEdit): Promise<string[]> {
  const stop = new AbortController();
  const listing = new Listing(registry, stop.signal);
  try {
    await listing.known;
    const target = findServer(listing.endpoints, id);
    let [before, after] = [noSettings, noSettings];
    await registry.configure((document) => {
      const isRegistered = (other: string) => listing.endpoints.some((endpoint) => endpoint.id === other);
      const edited = editNode(document, target.id, edit, isRegistered);
      before = settingsIn(document);
      after = settingsIn(edited);
      return edited;
    });
    return linesOf(target, before, after, listing.endpoints);
  } catch (error) {
    throw error instanceof UsageError ? error : new Failure((error as Error).message, { cause: error });
  } finally {
    stop.abort();
  }
}

/** The servers that a registry lists, from the time when it has first told of them. */
class Listing {
  endpoints: readonly Endpoint[] = [];
  /** Rejects when the registry has not told of any in time. */
  readonly known: Promise<void>;

  constructor(registry: Registry, signal: AbortSignal) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.known = promise;
    let why = `has not answered within ${patience / 1_000} s`;
    const timer = systemClock.timer(patience, () => reject(new Error(`the registry ${why}`)), { keepAlive: true });
    signal.addEventListener('abort', () => timer.cancel());
    const follow = async () => {
      for await (const view of registry.watch(signal)) {
        if (view.state === 'failed') why = `cannot be read: ${view.cause.message}`;
        if (view.state !== 'known') continue;
        this.endpoints = view.endpoints;
        resolve();
      }
    };
    follow().catch(reject);
  }
}

/** The one server that `text` can mean: by its id, its address, or the beginning of its id. Throws a Failure that names others. */
export function findServer(listed: readonly Endpoint[], text: string): Endpoint {
  const exact = listed.find(({ id }) => id === text);
  if (exact !== undefined) return exact;
  const there = listed.filter((endpoint) => address(endpoint) === text);
  const found = there.length > 0 ? there : listed.filter(({ id }) => id.startsWith(text));
  if (found.length === 1) return found[0]!;
  if (listed.length === 0) throw new Failure(`there is no server "${text}": the registry lists none`);
  if (found.length === 0) throw new Failure(`there is no server "${text}": the registry lists ${named(listed)}`);
  throw new Failure(`"${text}" may be any of ${named(found)}: say which by its id`);
}

function named(servers: readonly Endpoint[]): string {
  const some = servers.slice(0, mostNamed).map(nameOf).join(', ');
  return servers.length <= mostNamed ? some : `${some} and ${servers.length - mostNamed} more`;
}

function nameOf(endpoint: Endpoint): string {
  const where = address(endpoint);
  return endpoint.id === where ? where : `${endpoint.id} (${where})`;
}

/** What a document sets; nothing where it is wrong: then it is what clients go by too. */
function settingsIn(document: unknown): Settings {
  const read = readSettings(document);
  return 'settings' in read ? read.settings : noSettings;
}

function linesOf(target: Endpoint, before: Settings, after: Settings, listed: readonly Endpoint[]): string[] {
  const changes = settingChanges(before, after);
  const announced = `${target.weight}, as announced`;
  const own = changes
    .filter(({ id }) => id === target.id)
    .map(({ setting, from, to }) => {
      if (setting.endsWith('.offline')) return to === true ? 'offline' : 'online';
      return `weight ${from ?? announced} -> ${to ?? announced}`;
    });
  const lines = [`${nameOf(target)}: ${own.length === 0 ? 'nothing changed' : own.join('; ')}`];
  for (const gone of new Set(changes.map(({ id }) => id))) {
    if (gone !== target.id && gone !== undefined)
      lines.push(`${gone}: not registered any more, forgot what was set of it`);
  }
  if (own.includes('offline') && listed.every(({ id }) => after.nodes.get(id)?.offline)) {
    lines.push('Every server is offline now.');
  }
  return lines;
}
