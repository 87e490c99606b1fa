/** Endpoint <-> the JSON that registries hold. Pure. What comes from a registry is not trusted: anyone may write there. */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { defaultWeight, type Endpoint, endpoint } from '../core/endpoint.ts';

/** An entry is small. What is larger is not one, and is not parsed. Bytes. */
export const maxEntryBytes = 64 * 1024;

export const weightRange = { least: 1, most: 65_536 } as const;

/** What an entry says, or in a few words why it says nothing. */
export type Entry = { endpoint: Endpoint } | { junk: string };

/** @throws a sentence, if what it would write could not be read again */
export function writeEntry(of: Endpoint): Buffer {
  const { host, port, id, service, weight, workers, zone, tags, backup, version } = of;
  const protocols = of.protocol === 'framed' ? ['evenkeel/1', 'classic'] : ['classic'];
  const facts = { host, port, id, service, weight, protocols, workers, zone, tags, backup, version };
  const data = Buffer.from(JSON.stringify(facts));
  const read = readEntry(data);
  if ('junk' in read) throw new Error(`${host}:${port} cannot be announced: ${read.junk}.`);
  if (read.endpoint.id !== id) throw new Error(`"${id}" is no instance id: expected 1..300 letters, digits and .:_[]-`);
  return data;
}

/** Reads an entry of ours or of a foreign server. Only host and port are required; what is odd besides is left out. */
export function readEntry(data: Buffer | undefined): Entry {
  if (data === undefined || data.length === 0) return { junk: 'it is empty' };
  if (data.length > maxEntryBytes) return { junk: `it has ${data.length} bytes, allowed are ${maxEntryBytes}` };
  let parsed: unknown;
  try {
    parsed = JSON.parse(data.toString('utf8'));
  } catch {
    return { junk: 'it is no JSON' };
  }
  return readFacts(parsed);
}

/** The same for JSON that is parsed already. */
export function readFacts(parsed: unknown): Entry {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { junk: 'it is no JSON object' };
  const facts = parsed as Record<string, unknown>;
  const { host } = facts;
  if (typeof host !== 'string' || !isHost(host)) return { junk: 'its host is no host name and no IP address' };
  if (isLinkLocal(host)) return { junk: 'its host is a link-local address' };
  // Foreign servers take the port from their command line, and some forget to make it a number.
  const port = typeof facts.port === 'string' && /^\d{1,5}$/.test(facts.port) ? Number(facts.port) : facts.port;
  if (!isInteger(port) || port < 1 || port > 65_535) return { junk: 'its port is not in 1..65535' };
  const protocol = readProtocol(facts.protocols);
  if (protocol === undefined) return { junk: 'it speaks no protocol that we do: evenkeel/1 or classic' };

  const id = typeof facts.id === 'string' && /^[\w.:[\]-]{1,300}$/.test(facts.id) ? facts.id : undefined;
  const tags = Array.isArray(facts.tags) ? facts.tags.filter(isText).slice(0, 64) : undefined;
  return {
    endpoint: endpoint({
      ...(id === undefined ? {} : { id }),
      host,
      port,
      protocol,
      weight: readWeight(facts.weight),
      workers: isInteger(facts.workers) && facts.workers >= 1 && facts.workers <= 4_096 ? facts.workers : 1,
      ...(isText(facts.service) ? { service: facts.service } : {}),
      ...(isText(facts.version) ? { version: facts.version } : {}),
      ...(isText(facts.zone) ? { zone: facts.zone } : {}),
      ...(tags === undefined ? {} : { tags }),
      ...(facts.backup === true ? { backup: true } : {}),
    }),
  };
}

/** Absent means a server from before there were two. */
function readProtocol(protocols: unknown): Endpoint['protocol'] | undefined {
  if (!Array.isArray(protocols) || protocols.includes('classic')) {
    return Array.isArray(protocols) && protocols.includes('evenkeel/1') ? 'framed' : 'classic';
  }
  return protocols.includes('evenkeel/1') ? 'framed' : undefined;
}

function readWeight(weight: unknown): number {
  if (typeof weight !== 'number' || Number.isNaN(weight)) return defaultWeight;
  return Math.round(Math.min(weightRange.most, Math.max(weightRange.least, weight)));
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

/** Short, and without the control characters that forge log lines. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 256 && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value);
}

/** A host name or an IP address, as far as one can tell by its look. */
export function isHost(host: string): boolean {
  return isIP(host) !== 0 || /^[\w.-]{1,253}$/.test(host);
}

// Where clouds keep their metadata: no server of ours is there, but someone may want us to call it.
const linkLocal = new BlockList();
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4');
linkLocal.addSubnet('fe80::', 10, 'ipv6');

function isLinkLocal(host: string): boolean {
  return isIP(host) !== 0 && linkLocal.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
