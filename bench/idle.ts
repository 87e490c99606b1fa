/** What an idle framed connection costs its server in memory. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { preface } from '../src/wire/preface.ts';
import { host } from './contender.ts';
import type { Options } from './options.ts';
import { Child } from './process/child.ts';
import type { Memory, Question } from './process/server.ts';
import { type Spread, spread } from './spread.ts';

export interface IdleFigures {
  connections: number;
  /** Bytes of heap per connection. */
  heap: Spread;
  /** Bytes of buffers per connection. */
  buffers: Spread;
}

const connections = 2_000;
/** Dials at a time: fewer than the listening socket queues. */
const batch = 100;

export async function measureIdle(options: Options): Promise<IdleFigures> {
  const samples: Memory[] = [];
  for (let round = 0; round < options.rounds; round++) samples.push(await sample());
  return {
    connections,
    heap: spread(samples.map(({ heap }) => heap)),
    buffers: spread(samples.map(({ buffers }) => buffers)),
  };
}

async function sample(): Promise<Memory> {
  const server = new Child('./server.ts', ['evenkeel-framed'], ['--expose-gc']);
  const sockets: Socket[] = [];
  try {
    const port = await server.next<number>();
    // The first ones fill caches that are not theirs.
    await open(port, batch, sockets);
    const before = await memoryOf(server);
    for (let i = 0; i < connections; i += batch) await open(port, batch, sockets);
    const after = await memoryOf(server);
    return {
      heap: (after.heap - before.heap) / connections,
      buffers: (after.buffers - before.buffers) / connections,
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.close();
  }
}

const memoryOf = (server: Child) => server.ask<Memory>('memory' satisfies Question);

/** Opens connections and waits until the server has said HELLO on each. */
async function open(port: number, count: number, sockets: Socket[]): Promise<void> {
  const fresh = Array.from({ length: count }, () => connect({ host, port }));
  sockets.push(...fresh);
  await Promise.all(
    fresh.map(async (socket) => {
      socket.write(preface);
      await once(socket, 'data');
      socket.on('error', () => {});
    }),
  );
}
