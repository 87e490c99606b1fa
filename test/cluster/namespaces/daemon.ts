/** Programs that go on when we have ended. Each has a pid file and a log file of its name. */
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines } from '../run.ts';
import { waitFor } from '../wait-for.ts';
import type { Layout } from './layout.ts';
import { readPidFile, writePidFile } from './pid-file.ts';
import type { ProcessIdentity } from './process-identity.ts';

export function runningDaemon(layout: Layout, name: string): ProcessIdentity | undefined {
  return readPidFile(join(layout.pid, name));
}

/** Starts it unless it runs. @returns whether it had to. */
export async function startDaemon(layout: Layout, name: string, argv: readonly string[]): Promise<boolean> {
  if (runningDaemon(layout, name) !== undefined) return false;
  const pidFile = join(layout.pid, name);
  rmSync(pidFile, { force: true });
  const log = logFile(layout, name);
  // What it said before it died may be asked for, what it said long ago will not.
  if (existsSync(log)) renameSync(log, `${log}.old`);
  const fd = openSync(log, 'a');
  // A session of its own: Ctrl-C is not for it.
  const child = spawn('/bin/sh', ['-c', `${writePidFile}; exec "$@"`, pidFile, ...argv], {
    detached: true,
    stdio: ['ignore', fd, fd],
    cwd: '/',
  });
  child.on('error', () => {});
  child.unref();
  await waitFor(() => existsSync(pidFile), { what: `${name} to be started`, deadline: 60_000 });
  return true;
}

export interface DaemonWait {
  /** Whose work it is: when one of them ends there is nothing to wait for. The log of the last is shown when time is up. */
  daemons: readonly string[];
  /** What is waited for, as the end of a sentence. */
  what: string;
  /** ms. Default 180 s: the machine may be busy. */
  deadline?: number;
  /** What to show when time is up, in place of that log. */
  details?: () => Promise<string>;
}

/** Waits until daemons do their work. Rejects at once when one has ended, with the last lines of its log. */
export function waitForDaemons(
  layout: Layout,
  wait: DaemonWait,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const { daemons, what, deadline = 180_000, details = () => logOf(layout, daemons.at(-1)!) } = wait;
  return waitFor(
    async () => {
      if (await condition()) return true;
      const ended = daemons.find((name) => runningDaemon(layout, name) === undefined);
      if (ended !== undefined) throw new Error(`${ended} has ended${logOf(layout, ended)}`);
      return false;
    },
    { what, deadline, details },
  );
}

/** The end of an error: what a daemon said last, and where the rest is. */
function logOf(layout: Layout, name: string): string {
  const file = logFile(layout, name);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text === '' ? `; nothing is in ${file}` : `; the end of ${file}:\n${lastLines(text, 20)}`;
}

function logFile(layout: Layout, name: string): string {
  return join(layout.log, `${name}.log`);
}
