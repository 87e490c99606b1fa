/** A worker of the primary beside it: says who it is on each connection, then echoes. */
import { createServer, Server, Socket } from 'node:net';
import { systemClock as clock } from '../../src/core/clock.ts';
import { echoWork, type FromWorker, host, type Mode, messageSize, slow, slowAnswer, type ToWorker } from './modes.ts';

const mode = process.env.LISTENING_MODE as Mode;
const index = Number(process.env.LISTENING_WORKER);
const open = new Set<Socket>();
let slowCalls = 0;
let leaving = false;
let server: Server | undefined;

function serve(socket: Socket): void {
  open.add(socket);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('close', () => {
    open.delete(socket);
    leaveWhenIdle();
  });
  const hello = Buffer.alloc(messageSize, ' ');
  hello.write(`${index} ${process.pid}`);
  socket.write(hello);
  let rest = 0;
  let kind = 0;
  socket.on('data', (chunk: Buffer) => {
    let echoes = 0;
    for (let at = 0; at < chunk.length; ) {
      if (rest === 0) {
        kind = chunk.readUInt8(at);
        rest = messageSize;
      }
      const step = Math.min(rest, chunk.length - at);
      rest -= step;
      at += step;
      if (rest > 0) break;
      if (kind === slow) answerLater(socket);
      else echoes++;
    }
    if (echoes === 0) return;
    const until = clock.now() + echoes * echoWork;
    while (clock.now() < until);
    socket.write(Buffer.alloc(echoes * messageSize, 'E'));
  });
}

function answerLater(socket: Socket): void {
  slowCalls++;
  clock.timer(
    slowAnswer,
    () => {
      slowCalls--;
      socket.write(Buffer.alloc(messageSize, 'S'), leaveWhenIdle);
    },
    { keepAlive: true },
  );
}

/** Stops accepting, lets the calls in flight end, then goes. */
function leave(): void {
  leaving = true;
  server?.close();
  leaveWhenIdle();
  clock.timer(3_000, () => process.exit(0), { keepAlive: true });
}

function leaveWhenIdle(): void {
  if (leaving && slowCalls === 0) clock.timer(50, () => process.exit(0), { keepAlive: true });
}

const tell = (message: FromWorker) => process.send!(message, undefined, undefined, () => {});

process.on('message', (message: ToWorker & { id?: number }, handle: unknown) => {
  if (handle instanceof Socket) {
    // Before a byte moves: else a socket whose worker died could be given to another one in the middle of a message.
    if (message.id !== undefined) tell({ type: 'taken', id: message.id });
    serve(handle);
    handle.resume();
  } else if (handle instanceof Server) {
    server = handle;
    server.on('connection', serve);
    tell({ type: 'ready', port: 0 });
  } else if (message.type === 'listen') {
    if (mode === 'hand-out') return tell({ type: 'ready', port: message.port });
    server = createServer(serve);
    server.on('error', (cause: NodeJS.ErrnoException) => {
      process.stderr.write(`worker ${index}: ${cause.message}\n`);
      process.exit(1);
    });
    server.listen({ host, port: message.port, backlog: 511, reusePort: mode === 'fork-reuseport' }, () => {
      const address = server?.address();
      tell({ type: 'ready', port: typeof address === 'object' && address !== null ? address.port : 0 });
    });
  } else if (message.type === 'lend') {
    process.send!({ type: 'lent' } satisfies FromWorker, server);
  } else if (message.type === 'retire') {
    leave();
  }
});
process.on('disconnect', leave);
