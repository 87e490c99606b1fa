import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A running `evenkeel` command. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it has written so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Its log lines so far, parsed. */
  readonly lines: () => Record<string, unknown>[];
  /** Resolves with the first log line that has this message. */
  line(message: string): Promise<Record<string, unknown>>;
  /** Sends a signal, SIGTERM by default, and resolves with the exit code, `null` after a fatal signal. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly exited: Promise<number | null>;
}

/** Starts `evenkeel ARGS` from source. Whatever happens, it is killed when the test ends. */
export function startEvenkeel(
  t: TestContext,
  args: readonly string[],
  options: { env?: Record<string, string>; detached?: boolean } = {},
): Running {
  const child = spawn(process.execPath, ['--conditions=evenkeel-source', entry, ...args], {
    cwd: root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.detached ?? false,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const lines = (): Record<string, unknown>[] =>
    stdout.split('\n').flatMap((text) => (text.startsWith('{') && text.endsWith('}') ? [JSON.parse(text)] : []));
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });
  return {
    child,
    pid: child.pid!,
    stdout: () => stdout,
    stderr: () => stderr,
    lines,
    line: (message) =>
      until(
        () => lines().find((line) => line.msg === message),
        () => `"${message}" from evenkeel ${args.join(' ')}; it said:\n${stdout}${stderr}`,
      ),
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
    exited,
  };
}

/** Runs `evenkeel ARGS` to its end. */
export async function runEvenkeel(
  t: TestContext,
  args: readonly string[],
  options: { env?: Record<string, string> } = {},
) {
  const running = startEvenkeel(t, args, options);
  const code = await running.exited;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}
