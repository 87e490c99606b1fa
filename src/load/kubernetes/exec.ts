import { PassThrough } from 'node:stream';
import type { KubeConfig, V1Status } from '@kubernetes/client-node';
import type { Clock } from '../../core/clock.ts';
import { WholeLines } from '../whole-lines.ts';
import type { ExecOptions, Running } from './api.ts';
import { reasonOf, refused, unanswered } from './api-error.ts';
import { pods } from './objects.ts';

/** How long it may take until a program runs, and to end when its stdin has ended, ms. */
const startPatience = 10_000;
const endPatience = 2_000;

export interface RunOptions extends ExecOptions {
  namespace: string;
  server: string;
  client: typeof import('@kubernetes/client-node');
  config: KubeConfig;
  clock: Clock;
}

/** Runs a program in a container by the API server's WebSocket. */
export async function runInContainer(options: RunOptions): Promise<Running> {
  const { namespace, pod, container, command, server, client, config, clock } = options;
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let complaint = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-500);
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const onStatus = (status: V1Status) => end(endOf(status, complaint));
  const started = new client.Exec(config).exec(
    namespace,
    pod,
    container,
    [...command],
    stdout,
    stderr,
    stdin,
    false,
    onStatus,
  );
  const socket = await startedInTime(clock, started).catch((cause) => {
    // The WebSocket keeps the server's words to itself.
    const status = Number(/Unexpected server response: (\d+)/.exec(reasonOf(cause))?.[1]);
    const asked = { verb: 'create', kind: pods, sub: 'exec', name: pod, namespace } as const;
    throw Number.isNaN(status) ? unanswered(server, cause) : refused(server, status, undefined, asked);
  });
  socket.onclose = () => {
    end('the connection was lost');
    stdout.end();
  };
  return {
    write: (text) => stdin.write(text),
    lines: linesOf(stdout),
    ended,
    close() {
      stdin.end();
      const late = clock.timer(endPatience, () => socket.terminate(), { keepAlive: true });
      ended.then(() => {
        late.cancel();
        socket.close();
      });
    },
  };
}

/** Not by `readline`, which waits for ever when it is asked after the end. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const lines = new WholeLines();
  for await (const bytes of stream) yield* lines.add(bytes);
}

type Socket = Awaited<ReturnType<import('@kubernetes/client-node').Exec['exec']>>;

/** The socket, unless it takes too long; then it is closed when it comes. */
function startedInTime(clock: Clock, started: Promise<Socket>): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = clock.timer(startPatience, () => {
      late = true;
      reject(new Error(`no program was started within ${startPatience / 1000} s`));
    });
    started.then(
      (socket) => {
        timer.cancel();
        if (late) socket.close();
        else resolve(socket);
      },
      (cause) => {
        timer.cancel();
        reject(cause);
      },
    );
  });
}

/** In words: the API says `Success`, or a cause with the exit code. */
function endOf({ status, message, details }: V1Status, complaint: string): string {
  if (status === 'Success') return 'exit code 0';
  const code = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  const how = code === undefined ? (message ?? 'unknown') : `exit code ${code}`;
  return complaint.trim() === '' ? how : `${how}: ${complaint.trim().split('\n').at(-1)}`;
}
