import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { parseAddress } from '../core/endpoint.ts';

/**
 * The address that clients reach this server by: `advertise` if given, else the host it listens on; where that is a
 * wildcard the pod's address, else the first external IPv4 address. Throws where there is none.
 */
export function advertised(
  advertise: string | undefined,
  listen: { host: string; port: number },
  environment: Record<string, string | undefined> = process.env,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): { host: string; port: number } {
  if (advertise !== undefined) {
    const bare = advertise.replace(/^\[([^\]]*)\]$/, '$1');
    if (isIPv6(bare)) return { host: bare, port: listen.port };
    return /:\d+$/.test(advertise) ? parseAddress(advertise) : { host: advertise, port: listen.port };
  }
  if (listen.host !== '0.0.0.0' && listen.host !== '::') return listen;
  if (environment.POD_IP) return { host: environment.POD_IP, port: listen.port };
  for (const addresses of Object.values(interfaces)) {
    for (const { address, family, internal } of addresses ?? []) {
      if (family === 'IPv4' && !internal) return { host: address, port: listen.port };
    }
  }
  throw new Error(
    `nobody could reach a server on ${listen.host}: this machine has no external IPv4 address, say --advertise HOST`,
  );
}
