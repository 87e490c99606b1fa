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
  await waitFor(() => existsSync(pidFile), { what: `${name} to be started`, deadline: 10_000 });
  return true;
}

/**
 * Waits until a daemon does its work. Rejects at once when it has ended, with the last lines of its log.
 * @param deadline ms
 */
export function waitForDaemon(
  layout: Layout,
  name: string,
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadline = 60_000,
): Promise<void> {
  const details = () => logOf(layout, name);
  return waitFor(
    async () => {
      if (await condition()) return true;
      if (runningDaemon(layout, name) === undefined) throw new Error(`${name} has ended${details()}`);
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
