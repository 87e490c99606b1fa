/** The client's side: dials, and learns from the first message which worker it has. */
import { connect, type Socket } from 'node:net';
import { systemClock as clock } from '../../src/core/clock.ts';
import { host, messageSize } from './modes.ts';

export interface Connection {
  socket: Socket;
  /** Which worker answered: 0..n-1. */
  worker: number;
  pid: number;
}

export type Dialled = Connection | { failed: string; socket: Socket };

/** Connects and waits for the worker's hello. `failed` is the error's code, `closed`, or `silent` after `patience` ms. */
export function dial(port: number, patience = 1_000): Promise<Dialled> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const chunks: Buffer[] = [];
    const end = (result: Dialled) => {
      timer.cancel();
      socket.off('data', onData);
      resolve(result);
    };
    const timer = clock.timer(patience, () => end({ failed: 'silent', socket }), { keepAlive: true });
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length < messageSize) return;
      const [worker, pid] = bytes.toString('latin1').trim().split(' ').map(Number);
      end({ socket, worker: worker!, pid: pid! });
    };
    socket.on('data', onData);
    socket.on('error', (cause: NodeJS.ErrnoException) => end({ failed: cause.code ?? cause.message, socket }));
    socket.on('close', () => end({ failed: 'closed', socket }));
  });
}

export async function mustDial(port: number): Promise<Connection> {
  for (;;) {
    const dialled = await dial(port);
    if (!('failed' in dialled)) return dialled;
    dialled.socket.destroy();
  }
}

/** Echoes per second over all connections together, each with `inFlight` messages on the way. */
export async function echoRate(connections: readonly Connection[], inFlight: number, ms: number): Promise<number> {
  let count = 0;
  const batch = Buffer.alloc(messageSize * inFlight, 'E');
  const begin = clock.now();
  for (const { socket } of connections) {
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      const done = Math.floor(bytes / messageSize);
      bytes -= done * messageSize;
      count += done;
      if (clock.now() - begin < ms) socket.write(batch.subarray(0, done * messageSize));
    });
    socket.write(batch);
  }
  await clock.sleep(ms);
  const rate = (count * 1_000) / (clock.now() - begin);
  for (const { socket } of connections) socket.destroy();
  return rate;
}
