/** EndpointSlices -> endpoints. Pure. What an API server says is not trusted: services without pods are filled by anyone. */
import type { Endpoint, Protocol } from '../../core/endpoint.ts';
import { readFacts } from '../entry.ts';

/** Which of a service's addresses and ports are meant. */
export interface Wanted {
  /** The name of a port of the service, or the pods' own number. Undefined: the only one that there is. */
  port: string | number | undefined;
  protocol: Protocol;
  /** Which address to take of pods that have both. */
  family: 'IPv4' | 'IPv6';
}

export interface Reading {
  /** Those that may get new connections, by id. */
  endpoints: Endpoint[];
  /** Every address that is told of, also of pods that are not ready, or end. */
  hosts: ReadonlySet<unknown>;
  /** Why something was left out, in a few words each. */
  junk: string[];
  /** A sentence, if there are pods but none has the port that is wanted. */
  fault: string | undefined;
}

/** What an EndpointSlice is kept by, as far as it says. */
export function identify(slice: unknown): { name: string | undefined; version: string | undefined } {
  const { name, resourceVersion } = fields(fields(slice).metadata);
  return { name: isText(name) ? name : undefined, version: isText(resourceVersion) ? resourceVersion : undefined };
}

/** Reads all slices of one service together, each of them once: of many slices few change at a time. */
export function sliceReader(wanted: Wanted): (slices: Iterable<object>) => Reading {
  const parts = new WeakMap<object, Part>();
  return (slices) => {
    const all: Part[] = [];
    for (const slice of slices) {
      const part = parts.get(slice) ?? readSlice(slice, wanted);
      parts.set(slice, part);
      all.push(part);
    }
    return merge(all, wanted);
  };
}

/** What one slice says. */
interface Part {
  name: string;
  family: unknown;
  empty: boolean;
  /** Why it has not the port that is wanted. */
  refused: string | undefined;
  ready: { endpoint: Endpoint; pod: unknown }[];
  /** The pods that end. */
  leaving: unknown[];
  hosts: unknown[];
  junk: string[];
}

function readSlice(slice: object, wanted: Wanted): Part {
  const { metadata, addressType: family, endpoints, ports } = fields(slice);
  const name = nameOf(metadata);
  const all = items(endpoints).map(fields);
  const port = choosePort(ports, wanted);
  const refused = typeof port === 'string' ? port : undefined;
  const ready: Part['ready'] = [];
  const junk: string[] = [];
  const protocols = [wanted.protocol === 'framed' ? 'evenkeel/1' : 'classic'];
  for (const one of refused === undefined ? all.filter(isReady) : []) {
    const entry = readFacts({ host: hostOf(one), port, zone: one.zone, protocols });
    if ('junk' in entry) junk.push(`${name}: ${entry.junk}`);
    else ready.push({ endpoint: entry.endpoint, pod: podOf(one) });
  }
  const leaving = all.filter(isLeaving).map(podOf).filter(isText);
  return { name, family, empty: all.length === 0, refused, ready, leaving, hosts: all.map(hostOf), junk };
}

/** The same pod may stand in several slices: while it is moved, and once for each IP family. */
function merge(parts: readonly Part[], wanted: Wanted): Reading {
  const full = parts.filter(({ empty }) => !empty);
  // One family for the whole service: were it chosen pod by pod, a pod would change its address, and with it its id,
  // whenever one slice is behind the other. And by the slices, empty ones too, which a service has for each of its
  // families: the first pod of a service may stand in one of them a moment earlier than in the other.
  const families = [...new Set<unknown>([wanted.family, 'IPv4', 'IPv6', 'FQDN'])];
  const family = families.find((type) => parts.some((part) => part.family === type));
  const chosen = full.filter((part) => family !== undefined && part.family === family);

  const junk = full
    .filter((part) => !families.includes(part.family))
    .map(({ name }) => `${name}: its address type is none of ${families.join(', ')}`);
  const other = chosen.length === 0 ? full.find((part) => families.includes(part.family)) : undefined;
  if (other !== undefined) {
    junk.push(`${other.name}: ${other.family} is not taken while the service has ${family}: see ?family=`);
  }
  // A pod that ends once never comes back, whatever an older copy says. Another pod may have its address.
  const leaving = new Set(chosen.flatMap((part) => part.leaving));
  const found = new Map<string, Endpoint>();
  for (const { name, refused, ready, junk: odd } of chosen) {
    junk.push(...(refused === undefined ? odd : [`${name}: ${refused}`]));
    for (const { endpoint, pod } of ready) {
      if (!leaving.has(pod)) found.set(endpoint.id, endpoint);
    }
  }
  return {
    endpoints: [...found.values()].sort(byId),
    hosts: new Set(chosen.flatMap(({ hosts }) => hosts)),
    junk,
    fault: chosen.every(({ refused }) => refused !== undefined) ? chosen[0]?.refused : undefined,
  };
}

/** Views of the same servers are the same, whatever order they came in. */
export function byId(a: Endpoint, b: Endpoint): number {
  return a.id < b.id ? -1 : 1;
}

type Fields = Readonly<Record<string, unknown>>;

/** The port to dial, or why there is none. */
function choosePort(given: unknown, { port: wanted }: Wanted): number | string {
  const ports = items(given)
    .map(fields)
    .filter(({ port, protocol }) => Number.isInteger(port) && (protocol ?? 'TCP') === 'TCP')
    .map(({ name, port }) => ({ name: isText(name) ? name : '', port: port as number }));
  // A headless service need not name ports, and a service may name one that its pods do not have.
  if (ports.length === 0) {
    if (typeof wanted === 'number') return wanted;
    return `the service names no TCP port${wanted === undefined ? '' : ` "${wanted}"`} that its pods have: say which by ?port=NUMBER`;
  }
  const there = ports.map(({ name, port }) => (name === '' ? `${port}` : `${name}=${port}`)).join(', ');
  if (wanted === undefined) {
    return ports.length === 1
      ? ports[0]!.port
      : `the service has more than one port (${there}): say which by ?port=NAME or ?port=NUMBER`;
  }
  const match = ports.find(({ name, port }) => wanted === name || wanted === port);
  return match?.port ?? `the service has no port "${wanted}": its pods have ${there}`;
}

/** Absent means yes. A pod that ends is never ready, except where a service publishes its pods ready or not. */
function isReady(one: Fields): boolean {
  return fields(one.conditions).ready !== false && !isLeaving(one);
}

/** It may serve still: whoever is connected finds out for himself. Nobody new should come. */
function isLeaving(one: Fields): boolean {
  return fields(one.conditions).terminating === true;
}

/** The first address of several is the one that is meant. */
function hostOf(one: Fields): unknown {
  return items(one.addresses)[0];
}

function podOf(one: Fields): unknown {
  return fields(one.targetRef).uid;
}

function nameOf(metadata: unknown): string {
  const { name } = fields(metadata);
  return isText(name) ? name : 'a slice without a name';
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
