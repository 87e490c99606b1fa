import { type Clock, systemClock } from '../core/clock.ts';
import { type Log, silentLog } from '../core/log.ts';
import { type Random, systemRandom } from '../core/random.ts';
import { withCache } from './cache.ts';
import { openKubernetes } from './kubernetes/kubernetes.ts';
import { openMemory } from './memory.ts';
import type { Registry } from './registry.ts';
import { openStatic } from './static.ts';
import type { OpenSystem } from './system.ts';
import { splitScheme } from './url.ts';
import { openZooKeeper } from './zookeeper/zookeeper.ts';

/** All systems that there are, by the scheme of their URLs. */
const systems: Readonly<Record<string, OpenSystem>> = {
  zookeeper: openZooKeeper,
  kubernetes: openKubernetes,
  static: openStatic,
  memory: openMemory,
};

export interface RegistryOptions {
  /** Default: the system's. */
  clock?: Clock | undefined;
  /** Spreads re-reads and reconnects, so that many clients do not act at once. Default: the system's. */
  random?: Random | undefined;
  /** Default: none. */
  log?: Log | undefined;
  /** The secret for the registry; for ZooKeeper `digest:USER:PASSWORD`. Default: none. It is never part of the URL. */
  auth?: string | undefined;
  /** A file that keeps the last good view over a restart. Default: none. */
  cacheFile?: string | undefined;
}

/**
 * The registry that a URL names (docs/operations.md lists the forms). Nothing is connected before it is used.
 *
 * @throws a sentence that names what is wrong in the URL and what is allowed
 */
export function openRegistry(url: string, options: RegistryOptions = {}): Registry {
  const { scheme, rest } = splitScheme(url);
  const open = Object.hasOwn(systems, scheme) ? systems[scheme] : undefined;
  if (open === undefined) {
    throw new Error(`There is no registry system "${scheme}": allowed is ${Object.keys(systems).join(', ')}.`);
  }
  const filled = {
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    log: options.log ?? silentLog,
    auth: options.auth,
  };
  const registry = open(rest, filled);
  return options.cacheFile === undefined ? registry : withCache(registry, options.cacheFile, filled);
}
