import { type Endpoint, endpoint, parseAddress } from '../core/endpoint.ts';
import { isHost, weightRange } from './entry.ts';
import { Latest } from './latest.ts';
import type { Registry } from './registry.ts';
import type { OpenSystem } from './system.ts';
import { checkKeys, readInteger } from './url.ts';
import { Views } from './views.ts';

/** `static:HOST:PORT;weight=10;protocol=classic,HOST:PORT`: the servers stand in the URL itself. Known at once, for ever. */
export const openStatic: OpenSystem = (rest) => {
  const endpoints = rest.split(',').map(readServer);
  const views = new Views();
  views.push({ state: 'known', endpoints });
  const settings = new Latest<undefined>();
  settings.push(undefined);
  return {
    url: `static:${rest}`,
    announce() {
      throw new Error('A static registry cannot be written to: its servers stand in the URL.');
    },
    watch: (signal) => views.watch(signal),
    settings: (signal) => settings.watch(signal),
    async configure() {
      throw new Error('A static registry has no live settings: start the servers and clients with other options.');
    },
    status: () => ({ state: 'known', entries: endpoints.length }),
    async close() {
      views.close();
      settings.close();
    },
  } satisfies Registry;
};

const keys = ['weight', 'protocol', 'workers', 'zone', 'backup'] as const;

function readServer(text: string): Endpoint {
  const [where = '', ...pairs] = text.split(';');
  const { host, port } = parseAddress(where);
  if (!isHost(host)) throw new Error(`"${where}" has no valid host: expected a host name or an IP address.`);
  if (port === 0) throw new Error(`"${where}" has no valid port: expected 1..65535.`);
  const facts = new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
  checkKeys(`"${where}"`, facts.keys(), keys);
  const weight = facts.get('weight');
  const workers = facts.get('workers');
  const zone = facts.get('zone');
  return endpoint({
    host,
    port,
    ...(weight === undefined ? {} : { weight: readInteger('weight', weight, weightRange.least, weightRange.most) }),
    ...(workers === undefined ? {} : { workers: readInteger('workers', workers, 1, 4_096) }),
    ...(zone === undefined ? {} : { zone }),
    protocol: oneOf('protocol', facts.get('protocol') ?? 'framed', ['framed', 'classic']),
    ...(oneOf('backup', facts.get('backup') ?? 'false', ['true', 'false']) === 'true' ? { backup: true } : {}),
  });
}

function oneOf<const T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === text);
  if (found === undefined) throw new Error(`${name}=${text} is not allowed: expected ${allowed.join(' or ')}.`);
  return found;
}
