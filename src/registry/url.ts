/** What the URLs of all registry systems have in common. All of it throws sentences for people. */
import { parseAddress } from '../core/endpoint.ts';

/** Splits `SCHEME:REST`. Refuses what might hold a secret, without repeating it. */
export function splitScheme(url: string): { scheme: string; rest: string } {
  const match = /^([a-z][a-z0-9+.-]*):(.*)$/s.exec(url);
  if (url.includes('@')) {
    throw new Error(
      'A registry URL holds no user and no password: give them by EVENKEEL_REGISTRY_AUTH or EVENKEEL_REGISTRY_AUTH_FILE.',
    );
  }
  if (match === null) {
    throw new Error(`"${url}" is no registry URL: expected e.g. zookeeper://HOST:2181/FOLDER or static:HOST:PORT.`);
  }
  return { scheme: match[1]!, rest: match[2]! };
}

/** Splits `//HOSTS/path?key=value&...`. The path keeps its leading slash and is empty when there is none. */
export function splitRest(
  scheme: string,
  rest: string,
): { authority: string; path: string; query: Map<string, string> } {
  const match = /^\/\/([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s.exec(rest);
  if (match === null || match[1] === '') {
    throw new Error(`"${scheme}:${rest}" names no host: expected ${scheme}://HOST:PORT/FOLDER.`);
  }
  const query = new Map<string, string>();
  for (const pair of (match[3] ?? '').split('&').filter((text) => text !== '')) {
    const at = pair.indexOf('=');
    query.set(at < 0 ? pair : pair.slice(0, at), at < 0 ? '' : pair.slice(at + 1));
  }
  return { authority: match[1]!, path: match[2] ?? '', query };
}

/** Refuses keys that are not allowed. Names the key only: the value may be a misplaced secret. */
export function checkKeys(where: string, keys: Iterable<string>, allowed: readonly string[]): void {
  for (const key of keys) {
    if (allowed.includes(key)) continue;
    throw new Error(`${where} has an unknown parameter "${key}": allowed is ${allowed.join(', ')}.`);
  }
}

/** Reads `HOST`, `HOST:PORT` or `[V6]:PORT`, separated by commas. */
export function readHosts(text: string, defaultPort: number): { host: string; port: number }[] {
  return text.split(',').map((part) => {
    if (part === '') throw new Error(`"${text}" has an empty host: expected HOST:PORT,HOST:PORT.`);
    const { host, port } = /^([^:[\]\s]+|\[[^\]]+\])$/.test(part)
      ? parseAddress(`${part}:${defaultPort}`)
      : parseAddress(part);
    if (port === 0) throw new Error(`"${part}" has no valid port: expected 1..65535.`);
    return { host, port };
  });
}

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000 };

/** Reads `10s`, `500ms` or `2m` into ms, within bounds given in ms. */
export function readDuration(name: string, text: string, least: number, most: number): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  const ms = match === null ? Number.NaN : Number(match[1]) * units[match[2]!]!;
  if (!(ms >= least && ms <= most)) {
    throw new Error(`${name}=${text} is no valid duration: expected ${least}ms..${most}ms, e.g. 10s.`);
  }
  return ms;
}

/** Reads a whole number within bounds. */
export function readInteger(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new Error(`${name}=${text} is out of range: expected ${least}..${most}.`);
  }
  return value;
}
