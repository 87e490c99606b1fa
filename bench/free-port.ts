import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { host } from './contender.ts';

/** A port that is free now: for those who cannot say which one they got. */
export async function freePort(): Promise<number> {
  const server = createServer().listen({ host, port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
