/** Runs programs to their end: each with a deadline, and with an error that tells what was run and what it said. */
import { spawn } from 'node:child_process';
import { systemClock } from '../../../src/core/clock.ts';

export interface CommandOptions {
  /** ms. Then it is killed, and that is an error. Default 60,000. */
  deadline?: number;
  /** What it reads from stdin. Default: nothing. */
  input?: string;
  /** Environment beside this process's own. */
  env?: Record<string, string>;
}

export interface Output {
  /** Exit code. */
  status: number;
  stdout: string;
  stderr: string;
}

/** A program that did not end, or not as it was wanted. The message has the command and the end of what it said. */
export class CommandError extends Error {
  readonly command: string;
  readonly output: Output;
  constructor(command: string, why: string, output: Output) {
    const said = (output.stderr.trim() === '' ? output.stdout : output.stderr).trimEnd();
    super(`${command}: ${why}${said === '' ? '' : `\n${said.split('\n').slice(-30).join('\n')}`}`);
    this.name = 'CommandError';
    this.command = command;
    this.output = output;
  }
}

/** Runs a program and gives its exit code and what it said. Rejects only when it cannot be run or does not end in time. */
export function attempt(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Output> {
  const { deadline = 60_000, input = '', env } = options;
  const command = [program, ...args].join(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = systemClock.timer(deadline, () => {
      late = true;
      child.kill('SIGKILL');
    });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    // A program that does not read its input may be gone before all is written.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', (cause) => {
      timer.cancel();
      reject(new CommandError(command, cause.message, { status: -1, stdout, stderr }));
    });
    child.on('close', (code, signal) => {
      timer.cancel();
      const output = { status: code ?? -1, stdout, stderr };
      if (late) reject(new CommandError(command, `no end within ${deadline / 1_000} s`, output));
      else if (code === null) reject(new CommandError(command, `ended by ${signal}`, output));
      else resolve(output);
    });
  });
}

/** Runs a program and gives what it wrote to stdout. Rejects with a `CommandError` when its exit code is not 0. */
export async function run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const output = await attempt(program, args, options);
  if (output.status !== 0) {
    throw new CommandError([program, ...args].join(' '), `exit code ${output.status}`, output);
  }
  return output.stdout;
}
