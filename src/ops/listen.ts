import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { address } from '../core/endpoint.ts';

/** What the usual failures mean, in words. */
const meanings: Record<string, string> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'the port needs more rights than this process has',
  ENOTFOUND: 'the name of the host is not known',
};

/**
 * Opens the port and gives its number, which matters when 0 was asked for.
 *
 * @param what whose port it is, e.g. `the gateway`
 * @param option what sets the address, e.g. `--listen`
 * @throws Error that says why the port cannot be opened, and by which option another one is chosen
 */
export async function listen(
  app: FastifyInstance,
  where: { host: string; port: number },
  what: string,
  option: string,
): Promise<number> {
  try {
    await app.listen({ host: where.host, port: where.port });
  } catch (cause) {
    await app.close();
    const { code = '', message } = cause as NodeJS.ErrnoException;
    const why = meanings[code] === undefined ? message : `${meanings[code]} (${code})`;
    throw new Error(`${what} cannot listen on ${address(where)}: ${why}. Another address is set by ${option}.`, {
      cause,
    });
  }
  return (app.server.address() as AddressInfo).port;
}
