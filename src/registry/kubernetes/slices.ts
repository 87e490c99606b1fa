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

/** All slices of one service together. The same pod may stand in several: while it is moved, and once for each IP family. */
export function readSlices(slices: Iterable<unknown>, wanted: Wanted): Reading {
  const all = [...slices].map(fields);
  const full = all.filter(({ endpoints }) => items(endpoints).length > 0);
  // One family for the whole service: were it chosen pod by pod, a pod would change its address, and with it its id,
  // whenever one slice is behind the other. And by the slices, empty ones too, which a service has for each of its
  // families: the first pod of a service may stand in one of them a moment earlier than in the other.
  const families = [wanted.family, 'IPv4', 'IPv6', 'FQDN'];
  const family = families.find((type) => all.some(({ addressType }) => addressType === type));
  const chosen = full.filter(({ addressType }) => family !== undefined && addressType === family);

  const junk = full
    .filter(({ addressType }) => !families.includes(String(addressType)))
    .map((slice) => `${nameOf(slice)}: its address type is none of ${[...new Set(families)].join(', ')}`);
  const other =
    chosen.length === 0 ? full.find(({ addressType }) => families.includes(String(addressType))) : undefined;
  if (other !== undefined) {
    junk.push(`${nameOf(other)}: ${other.addressType} is not taken while the service has ${family}: see ?family=`);
  }
  const leaving = new Set<unknown>(
    chosen.flatMap(({ endpoints }) => items(endpoints).map(fields).filter(isLeaving).map(podOf)).filter(isText),
  );
  const found = new Map<string, Endpoint>();
  const refused: string[] = [];
  let matched = 0;
  for (const slice of chosen) {
    const port = choosePort(slice, wanted);
    if (typeof port === 'string') {
      refused.push(port);
      junk.push(`${nameOf(slice)}: ${port}`);
      continue;
    }
    matched++;
    for (const one of items(slice.endpoints).map(fields)) {
      // A pod that ends once never comes back, whatever an older copy says. Another pod may have its address.
      if (!isReady(one) || leaving.has(podOf(one))) continue;
      const [host] = items(one.addresses);
      const protocols = [wanted.protocol === 'framed' ? 'evenkeel/1' : 'classic'];
      const entry = readFacts({ host, port, zone: one.zone, protocols });
      if ('junk' in entry) junk.push(`${nameOf(slice)}: ${entry.junk}`);
      else if (!found.has(entry.endpoint.id)) found.set(entry.endpoint.id, entry.endpoint);
    }
  }
  return {
    endpoints: [...found.values()].sort(byId),
    hosts: new Set(chosen.flatMap(({ endpoints }) => items(endpoints).map((one) => items(fields(one).addresses)[0]))),
    junk,
    fault: matched === 0 ? refused[0] : undefined,
  };
}

/** Views of the same servers are the same, whatever order they came in. */
export function byId(a: Endpoint, b: Endpoint): number {
  return a.id < b.id ? -1 : 1;
}

type Fields = Readonly<Record<string, unknown>>;

/** The port to dial, or why there is none. */
function choosePort(slice: Fields, { port: wanted }: Wanted): number | string {
  const ports = items(slice.ports)
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

function podOf(one: Fields): unknown {
  return fields(one.targetRef).uid;
}

function nameOf(slice: Fields): string {
  const { name } = fields(slice.metadata);
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
