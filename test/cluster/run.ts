/** Runs programs to their end, with a deadline. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { systemClock } from '../../src/core/clock.ts';

export interface RunOptions {
  /** ms. Then it is killed. Default 60 s. */
  timeout?: number;
  input?: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Shows stdout and stderr as they come, on stderr, as well. For what takes minutes. */
  show?: boolean;
}

export interface Ran {
  /** The exit code, or why there is none. */
  ended: number | string;
  stdout: string;
  stderr: string;
}

/** Rejects never: a program that is not there, or does not end, is a result too. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { timeout = 60_000, input = '', show = false } = options;
  return new Promise((resolve) => {
    const place: SpawnOptions = {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    };
    const child = spawn(argv[0]!, argv.slice(1), { ...place, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let ended: string | undefined;
    const timer = systemClock.timer(timeout, () => {
      ended = `no end within ${timeout / 1000} s`;
      child.kill('SIGKILL');
    });
    child.stdout!.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      if (show) process.stderr.write(text);
    });
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      if (show) process.stderr.write(text);
    });
    // A program that does not read its input may be gone before all is written.
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
    child.on('error', (cause) => {
      timer.cancel();
      resolve({ ended: cause.message, stdout, stderr });
    });
    child.on('close', (code, signal) => {
      timer.cancel();
      resolve({ ended: ended ?? code ?? `${signal}`, stdout, stderr });
    });
  });
}

/** What it wrote to stdout. Rejects with a sentence when it did not end well. */
export async function output(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { ended, stdout, stderr } = await run(argv, options);
  if (ended === 0) return stdout;
  const why = typeof ended === 'number' ? `exit code ${ended}` : ended;
  const said = lastLines(stderr.trim() === '' ? stdout : stderr, 10);
  throw new Error(`${argv.join(' ')}: ${why}${said === '' ? '' : `\n${said}`}`);
}

/** Whether it ended well. */
export async function succeeds(argv: readonly string[], options: RunOptions = {}): Promise<boolean> {
  return (await run(argv, options)).ended === 0;
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
