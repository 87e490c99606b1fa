/** How a server is spoken to: `framed` is evenkeel's own protocol, `classic` the plain one (docs/protocol.md). */
export type Protocol = 'framed' | 'classic';

/** Where a server is, and what it says of itself. What registries hold. */
export interface Endpoint {
  /** The server's process start, 16 hex digits, or `host:port` where the registry names none. */
  id: string;
  host: string;
  port: number;
  /** What to speak to it. Known from the registry, never probed. */
  protocol: Protocol;
  /** True if the registry gave `id`: then the server must say the same one, or the entry is stale. */
  idAnnounced: boolean;
  /** Its share of the traffic relative to the others: 1..65536. Default 1024. */
  weight: number;
  /** How many worker processes share the port. Default 1. */
  workers: number;
  service?: string;
  version?: string;
  zone?: string;
  tags?: readonly string[];
  /** True for a server that is used only when the primaries are not well. */
  backup?: boolean;
}

export const defaultWeight = 1024;

export function address(endpoint: { host: string; port: number }): string {
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}

/** An endpoint with every default filled in. Without an id it is known by its address. */
export function endpoint(facts: Pick<Endpoint, 'host' | 'port'> & Partial<Endpoint>): Endpoint {
  return {
    ...facts,
    id: facts.id ?? address(facts),
    protocol: facts.protocol ?? 'framed',
    idAnnounced: facts.idAnnounced ?? facts.id !== undefined,
    weight: facts.weight ?? defaultWeight,
    workers: facts.workers ?? 1,
  };
}

/** Reads `host:port` or `[v6]:port`. Throws a sentence that names what is wrong. */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined) throw new Error(`"${text}" is no address: expected HOST:PORT`);
  if (port > 65_535) throw new Error(`"${text}" has no valid port: expected 0..65535`);
  return { host, port };
}
