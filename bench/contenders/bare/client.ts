import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { type Connect, type Echo, host } from '../../contender.ts';
import { FrameWriter, readFrames } from './frames.ts';

export const connect: Connect = (port) => connectBare<Echo, Echo>(port);

export async function connectBare<In, Out>(port: number) {
  const socket = connectSocket({ host, port, noDelay: true });
  await once(socket, 'connect');
  const writer = new FrameWriter(socket);
  const flush = () => writer.flush();
  const waiting: ((output: Out) => void)[] = [];
  let answered = 0;
  readFrames(
    socket,
    (value) => waiting[answered++]!(value as Out),
    () => {
      waiting.splice(0, answered);
      answered = 0;
    },
  );
  return {
    connections: 1,
    call: (input: In) =>
      new Promise<Out>((resolve) => {
        waiting.push(resolve);
        if (writer.add(input)) process.nextTick(flush);
      }),
    close: async () => void socket.destroy(),
  };
}
