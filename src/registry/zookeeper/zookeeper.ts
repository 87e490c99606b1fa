import { Latest } from '../latest.ts';
import type { Registry, SettingsDocument } from '../registry.ts';
import type { OpenSystem, SystemOptions } from '../system.ts';
import { checkKeys, readDuration, readHosts, splitRest } from '../url.ts';
import { Views } from '../views.ts';
import { Announcer } from './announcer.ts';
import { configure } from './configure.ts';
import { driver } from './driver.ts';
import type { Address, DialOptions } from './link.ts';
import { parentOf, settingsPath } from './names.ts';
import { SettingsWatcher } from './settings-watcher.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';
import { Watcher } from './watcher.ts';

/** How long `close` waits for ZooKeeper, ms. */
const closeTimeout = 1_000;

/** `zookeeper://HOST:PORT,HOST:PORT/FOLDER?session=10s`: an ephemeral node a server, in the folder of its service. */
export const openZooKeeper: OpenSystem = (rest, options) => {
  const [where, auth] = [readZooKeeperUrl(rest), readAuth(options.auth)];
  if (auth !== undefined && parentOf(where.path) === '') {
    throw new Error(
      `"${where.url}" names a folder in ZooKeeper's root, where everybody may write, its live settings too: with a secret name one in another folder, such as /shop${where.path}.`,
    );
  }
  return zookeeperRegistry(where, auth, options);
};

/** @param parts for tests: other parts than the real ones */
export function zookeeperRegistry(
  where: ZooKeeperUrl,
  auth: DialOptions['auth'],
  options: Omit<SystemOptions, 'auth'>,
  parts: Partial<Pick<SupervisorOptions, 'dial' | 'lookup'>> = {},
): Registry {
  const { url, servers, path, session } = where;
  const { clock, random } = options;
  const log = options.log.child({ registry: url });
  const dial = driver(clock);
  const supervisor = new Supervisor({ servers, timeout: session, auth, clock, random, log, dial, ...parts });
  const views = new Views();
  const settingsAt = settingsPath(path);
  const settings = new Latest<SettingsDocument | undefined>();
  const closing = new AbortController();
  const leases = new Map<string, Announcer>();
  let watcher: Watcher | undefined;
  let settingsWatcher: SettingsWatcher | undefined;
  let closed: Promise<void> | undefined;

  const checkOpen = () => {
    if (closed !== undefined) throw new Error(`The registry ${url} is closed.`);
  };
  return {
    url,
    announce(endpoint) {
      checkOpen();
      const before = leases.get(endpoint.id);
      if (before !== undefined && before.state !== 'released') {
        throw new Error(`"${endpoint.id}" is announced already: update its lease, or release it first.`);
      }
      const lease = new Announcer({ supervisor, path, clock, random, log }, endpoint);
      leases.set(endpoint.id, lease);
      return lease;
    },
    watch(signal) {
      checkOpen();
      watcher ??= new Watcher({ supervisor, path, views, clock, random, log });
      return views.watch(signal);
    },
    settings(signal) {
      checkOpen();
      settingsWatcher ??= new SettingsWatcher({ supervisor, path: settingsAt, settings, clock, random, log });
      return settings.watch(signal);
    },
    async configure(change) {
      checkOpen();
      await configure({ supervisor, path: settingsAt, clock, random, signal: closing.signal }, change);
      log.info({ path: settingsAt }, 'changed the live settings');
    },
    status() {
      const cause = [...leases.values()].find((lease) => lease.cause !== undefined)?.cause;
      const pending = cause === undefined ? {} : { cause };
      return { state: views.now.state, ...pending, ...supervisor.status(), ...watcher?.status() };
    },
    close() {
      closed ??= (async () => {
        closing.abort(new Error(`the registry ${url} is closed`));
        watcher?.close();
        views.close();
        settingsWatcher?.close();
        settings.close();
        for (const lease of leases.values()) lease.close();
        await supervisor.close(closeTimeout);
      })();
      return closed;
    },
  };
}

export interface ZooKeeperUrl {
  url: string;
  servers: Address[];
  /** Folder of the service: absolute, without a slash at the end. */
  path: string;
  /** Session timeout to ask for, ms. */
  session: number;
}

/** @throws a sentence */
export function readZooKeeperUrl(rest: string): ZooKeeperUrl {
  const { authority, path, query } = splitRest('zookeeper', rest);
  checkKeys('The zookeeper URL', query.keys(), ['session']);
  const session = readDuration('session', query.get('session') ?? '10s', 500, 300_000);
  const servers = readHosts(authority, 2181);
  if (path === '' || path === '/') {
    throw new Error(`"zookeeper:${rest}" names no folder: expected zookeeper://HOST:PORT/FOLDER, the service's own.`);
  }
  for (const part of path.slice(1).split('/')) {
    if (part === '' || part === '.' || part === '..' || !/^[\w.+~:-]+$/.test(part)) {
      throw new Error(`"${path}" is no valid folder: expected /PART/PART of letters, digits and ._+~:- only.`);
    }
  }
  if (path === '/zookeeper' || path.startsWith('/zookeeper/')) {
    throw new Error(`"${path}" is ZooKeeper's own folder: choose another one.`);
  }
  return { url: `zookeeper:${rest}`, servers, path, session };
}

/** @throws a sentence that does not repeat the secret */
export function readAuth(auth: string | undefined): DialOptions['auth'] {
  if (auth === undefined || auth === '') return undefined;
  const match = /^(digest):([^:]+:.+)$/s.exec(auth.trim());
  if (match === null) throw new Error('The registry auth for ZooKeeper must have the form digest:USER:PASSWORD.');
  return { scheme: match[1]!, secret: match[2]! };
}
