import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { BrokerOptions } from 'moleculer';
import { host } from '../../contender.ts';

/** All defaults, except that the nodes are named instead of found by UDP, and that nothing is printed. */
export function brokerOptions(nodeID: string, transporter: { port: number; urls: string }): BrokerOptions {
  return {
    nodeID,
    logger: false,
    transporter: { type: 'TCP', options: { udpDiscovery: false, useHostname: false, ...transporter } },
  };
}

/** Moleculer cannot say which port it got. */
export async function freePort(): Promise<number> {
  const server = createServer().listen({ host, port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
