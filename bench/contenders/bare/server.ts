import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { host, type Listen } from '../../contender.ts';
import { FrameWriter, readFrames } from './frames.ts';

export const listen: Listen = async () => {
  const server = createServer({ noDelay: true }, (socket) => {
    const writer = new FrameWriter(socket);
    socket.on('error', () => {});
    readFrames(
      socket,
      (value) => writer.add(value),
      () => writer.flush(),
    );
  });
  server.listen({ host, port: 0 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};
