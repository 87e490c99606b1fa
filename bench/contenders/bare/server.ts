import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { host, type Listen } from '../../contender.ts';
import { FrameWriter, readFrames } from './frames.ts';

export const listen: Listen = () => listenBare((value) => value);

/** Answers every value with what `handle` makes of it. Resolves with the port. */
export async function listenBare(handle: (value: unknown) => unknown): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    const writer = new FrameWriter(socket);
    socket.on('error', () => {});
    readFrames(
      socket,
      (value) => writer.add(handle(value)),
      () => writer.flush(),
    );
  });
  server.listen({ host, port: 0 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
