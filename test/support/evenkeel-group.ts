/** `evenkeel ...` as a process group of its own, as a shell starts it: what it writes, how it ends, and who of it lives. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ProcessGuard } from '../../src/load/local/guard.ts';
import { groupMembers } from '../../src/load/local/process-table.ts';
import { until } from './until.ts';

export const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** What the log says, line by line. */
export type LogLine = Record<string, unknown> & { msg: string; level: string };

let guard: ProcessGuard | undefined;

export interface GroupOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** How many files each of its processes may have open. Default: as many as we. */
  maxFiles?: number;
}

export class EvenkeelGroup {
  readonly pid: number;
  stdout = '';
  stderr = '';
  /** How the first process ended; undefined while it lives. */
  end: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  /** Resolves when the first process has ended and all that it wrote is here. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], { env = {}, cwd, maxFiles }: GroupOptions = {}) {
    // Should this process be killed, nothing that it started lives on.
    guard ??= new ProcessGuard();
    const all = Object.entries({ ...process.env, ...env }).filter(
      ([name, value]) => value !== undefined && (Object.hasOwn(env, name) || !name.startsWith('EVENKEEL_')),
    );
    const command = [process.execPath, cli, ...args];
    const limited =
      maxFiles === undefined ? command : ['sh', '-c', 'ulimit -n "$0"; exec "$@"', `${maxFiles}`, ...command];
    this.#child = spawn(limited[0]!, limited.slice(1), {
      detached: true,
      env: Object.fromEntries(all),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.pid = this.#child.pid!;
    guard.watch(this.pid);
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#child.once('exit', (code, signal) => {
      this.end = { code, signal };
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
    });
  }

  /** Starts one that is killed with all its processes when the test ends. */
  static start(test: Pick<TestContext, 'after'>, args: readonly string[], options: GroupOptions = {}): EvenkeelGroup {
    const started = new EvenkeelGroup(args, options);
    test.after(() => started.kill());
    return started;
  }

  /** Runs one to its end. */
  static async run(args: readonly string[], options: GroupOptions = {}): Promise<EvenkeelGroup> {
    const started = new EvenkeelGroup(args, options);
    await started.over();
    await started.kill();
    return started;
  }

  /** The lines of its log so far. */
  get lines(): LogLine[] {
    const whole = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** The first line that says this, as soon as it is there. */
  line(message: string): Promise<LogLine> {
    return until(
      () => {
        const found = this.lines.find(({ msg }) => msg === message);
        if (found === undefined && this.end !== undefined)
          throw new Error(`it ended before "${message}": ${this.said}`);
        return found;
      },
      () => `the line "${message}": ${this.said}`,
    );
  }

  /** Resolves with the exit code when the first process has ended; rejects after the deadline. */
  async over(deadline = 30_000): Promise<number | null> {
    await until(
      () => this.end,
      () => `process ${this.pid} to end; it wrote: ${this.said}`,
      deadline,
    );
    await this.ended;
    return this.end!.code;
  }

  /** The end of what it wrote, for an error message. */
  get said(): string {
    return `${this.stderr}${this.stdout}`.slice(-4_000);
  }

  /** Processes of the group that live, with their state letters. */
  get members(): { pid: number; state: string }[] {
    return groupMembers(this.pid);
  }

  /** The worker processes by what the log says: those that served last, by their index. */
  get workers(): number[] {
    const pids: number[] = [];
    for (const { msg, worker, workerPid } of this.lines) {
      if (msg === 'a worker serves') pids[worker as number] = workerPid as number;
    }
    return pids;
  }

  /** Reads no more, as `| head -1` does. */
  closeStdout(): void {
    this.#child.stdout!.destroy();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To every process of the group, as the terminal's Ctrl-C and a container's end do. */
  signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody is left.
    }
  }

  /** Kills the whole group and waits until nothing of it is left. */
  async kill(): Promise<void> {
    this.signalGroup('SIGKILL');
    await until(() => this.members.length === 0, `the process group ${this.pid} to end`);
    guard?.release(this.pid);
  }
}
