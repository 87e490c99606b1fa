/**
 * Which way of sharing one port between processes suits prefork? `node bench/listening.ts [--tries 20] [--modes a,b]`
 * prints a table; docs/architecture.md says what was chosen and why. Linux.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { systemClock as clock } from '../src/core/clock.ts';
import { type Connection, dial, echoRate, mustDial } from './listening/dial.ts';
import { type FromPrimary, type Mode, messageSize, modes, slow, slowAnswer } from './listening/modes.ts';

const { values } = parseArgs({
  options: { tries: { type: 'string', default: '20' }, modes: { type: 'string', default: modes.join(',') } },
});
const tries = Number(values.tries);
const chosen = values.modes.split(',') as Mode[];

interface Prefork {
  primary: ChildProcess;
  port: number;
  pids: number[];
  next(...types: FromPrimary['type'][]): Promise<FromPrimary>;
  close(): Promise<void>;
}

const primaryEntry = new URL('./listening/primary.ts', import.meta.url);

async function prefork(mode: Mode, size: number, port = 0, probe = false): Promise<Prefork> {
  const primary = fork(primaryEntry, [mode, String(size), String(port), probe ? 'probe' : 'no-probe']);
  const next = (...types: FromPrimary['type'][]) =>
    new Promise<FromPrimary>((resolve) => {
      const onMessage = (message: FromPrimary) => {
        if (!types.includes(message.type)) return;
        primary.off('message', onMessage);
        resolve(message);
      };
      primary.on('message', onMessage);
    });
  const up = await next('up', 'failed');
  if (up.type !== 'up') throw new Error(up.type === 'failed' ? up.code : up.type);
  const close = async () => {
    if (primary.exitCode !== null || primary.signalCode !== null) return;
    const gone = once(primary, 'exit');
    primary.disconnect();
    await gone;
  };
  return { primary, port: up.port, pids: up.pids, next, close };
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const range = (numbers: number[]) => `${median(numbers)} (${Math.min(...numbers)}..${Math.max(...numbers)})`;

/** (a) and (b): n dials at once; and dials, one at a time, until one connection to each worker is held. */
async function spread(mode: Mode, size: number): Promise<Record<string, string>> {
  const reached: number[] = [];
  const rates: number[] = [];
  const dials: number[] = [];
  let unfinished = 0;
  const server = await prefork(mode, size);
  for (let round = 0; round < tries; round++) {
    const all = await Promise.all(Array.from({ length: size }, () => mustDial(server.port)));
    reached.push(new Set(all.map(({ worker }) => worker)).size);
    if (round < 5) rates.push(Math.round((await echoRate(all, 16, 500)) / 100) / 10);
    for (const { socket } of all) socket.destroy();
    const held = new Map<number, Connection>();
    let count = 0;
    while (held.size < size && count < 4 * size) {
      const connection = await mustDial(server.port);
      count++;
      if (held.has(connection.worker)) connection.socket.destroy();
      else held.set(connection.worker, connection);
    }
    if (held.size < size) unfinished++;
    dials.push(count);
    for (const { socket } of held.values()) socket.destroy();
  }
  await server.close();
  return {
    'a: workers reached by n dials': range(reached),
    'a: dials to hold one each': `${range(dials)}, ${unfinished}/${tries} not within 4n`,
    'b: k echoes/s': range(rates),
  };
}

/** (c): two workers frozen, clients dial, the workers are killed. What do the clients with no hello see? */
async function frozen(mode: Mode, size: number): Promise<Record<string, string>> {
  const server = await prefork(mode, size);
  const [first, second] = server.pids as [number, number];
  process.kill(first, 'SIGSTOP');
  process.kill(second, 'SIGSTOP');
  const dialled = await Promise.all(Array.from({ length: 4 * size }, () => dial(server.port, 400)));
  const waiting = dialled.filter((one) => 'failed' in one).map((one) => one.socket);
  const begin = clock.now();
  const fates = waiting.map(
    (socket) =>
      new Promise<string>((resolve) => {
        const since = (what: string) => resolve(`${what} ${Math.round(clock.now() - begin)} ms`);
        socket.on('data', () => since('served'));
        socket.on('error', (cause: NodeJS.ErrnoException) => since(cause.code ?? 'error'));
        socket.on('close', () => since('closed'));
        clock.timer(5_000, () => resolve('orphaned > 5 s'), { keepAlive: true });
      }),
  );
  process.kill(first, 'SIGKILL');
  process.kill(second, 'SIGKILL');
  const ends = await Promise.all(fates);
  for (const { socket } of dialled) socket.destroy();
  await server.close();
  const kinds = Map.groupBy(ends, (end) => end.split(' ')[0]!);
  const text = [...kinds].map(([kind, list]) => `${list.length} ${kind} (${list.at(-1)?.replace(`${kind} `, '')})`);
  return { 'c: no hello from frozen workers, then killed': `${waiting.length}/${dialled.length}: ${text.join(', ')}` };
}

/** (d): the primary is killed while each worker has a call in flight. */
async function orphaned(mode: Mode, size: number): Promise<Record<string, string>> {
  const server = await prefork(mode, size);
  const held = new Map<number, Connection>();
  for (let count = 0; held.size < size && count < 50 * size; count++) {
    const connection = await mustDial(server.port);
    if (held.has(connection.worker)) connection.socket.destroy();
    else held.set(connection.worker, connection);
  }
  const answers = [...held.values()].map(
    ({ socket }) =>
      new Promise<boolean>((resolve) => {
        socket.on('data', () => resolve(true));
        socket.on('close', () => resolve(false));
        socket.write(Buffer.alloc(messageSize, slow));
      }),
  );
  await clock.sleep(slowAnswer / 5);
  server.primary.kill('SIGKILL');
  const finished = (await Promise.all(answers)).filter((answered) => answered).length;
  for (const { socket } of held.values()) socket.destroy();
  return { 'd: primary killed: calls in flight finished': `${finished}/${held.size}` };
}

/** (e): all workers are replaced, new before old, while a client dials without a pause. */
async function rolling(mode: Mode, size: number): Promise<Record<string, string>> {
  const server = await prefork(mode, size);
  let done = false;
  const replaced = server.next('replaced').then(() => {
    done = true;
  });
  server.primary.send({ type: 'roll' });
  let dials = 0;
  const bad = new Map<string, number>();
  const dialler = async () => {
    while (!done) {
      const dialled = await dial(server.port);
      dials++;
      if ('failed' in dialled) bad.set(dialled.failed, (bad.get(dialled.failed) ?? 0) + 1);
      dialled.socket.destroy();
    }
  };
  await Promise.all([replaced, dialler(), dialler(), dialler(), dialler()]);
  await server.close();
  const text = [...bad].map(([failure, count]) => `${count} ${failure}`).join(', ');
  return { 'e: dials in a rolling restart': `${dials}: ${text || 'none failed'}` };
}

/** (f): does the worker that replaces a killed one get connections? */
async function crashed(mode: Mode, size: number): Promise<Record<string, string>> {
  const server = await prefork(mode, size);
  const replaced = server.next('replaced');
  process.kill(server.pids[0]!, 'SIGKILL');
  const message = await replaced;
  const fresh = message.type === 'replaced' ? message.pids[0] : 0;
  const all = await Promise.all(Array.from({ length: 8 * size }, () => dial(server.port)));
  const got = all.filter((one) => 'pid' in one && one.pid === fresh).length;
  const failed = all.filter((one) => 'failed' in one).length;
  for (const { socket } of all) socket.destroy();
  await server.close();
  return { 'f: of 8n dials, the new worker got': `${got}/${all.length}${failed > 0 ? `, ${failed} failed` : ''}` };
}

/** (g): a second server on the same port, by mistake. */
async function twice(mode: Mode, size: number): Promise<Record<string, string>> {
  const server = await prefork(mode, size);
  const outcome = async (probe: boolean) => {
    try {
      const other = await prefork(mode, size, server.port, probe);
      await other.close();
      return 'both run';
    } catch (cause) {
      return (cause as Error).message;
    }
  };
  const answer = {
    'g: second server; with an exclusive bind first': `${await outcome(false)}; ${await outcome(true)}`,
  };
  await server.close();
  return answer;
}

/** (h): how fast and how even dials are answered, eight at a time, the connections closed again. */
async function dialling(mode: Mode, size: number): Promise<Record<string, string>> {
  const server = await prefork(mode, size);
  const times: number[] = [];
  const begin = clock.now();
  const dialler = async () => {
    while (clock.now() - begin < 2_000) {
      const before = clock.now();
      const { socket } = await mustDial(server.port);
      times.push(clock.now() - before);
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 8 }, dialler));
  const rate = Math.round((times.length * 1_000) / (clock.now() - begin));
  await server.close();
  const at = (share: number) => times.toSorted((a, b) => a - b)[Math.floor(times.length * share)]?.toFixed(1);
  return { 'h: dials/s to hello; p50, p99': `${rate}; ${at(0.5)}, ${at(0.99)} ms` };
}

for (const size of [2, 4]) {
  for (const mode of chosen) {
    const rows: Record<string, string> = {};
    for (const measure of [spread, frozen, orphaned, rolling, crashed, twice, dialling]) {
      Object.assign(rows, await measure(mode, size));
    }
    process.stdout.write(`\n${mode}, ${size} workers\n`);
    for (const [what, value] of Object.entries(rows)) process.stdout.write(`  ${what.padEnd(48)} ${value}\n`);
  }
}
