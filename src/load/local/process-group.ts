import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../../core/clock.ts';
import type { Proof } from '../cluster.ts';
import { lastWords } from '../last-words.ts';
import { within } from '../within.ts';
import type { ProcessGuard } from './guard.ts';
import { groupMembers } from './process-table.ts';

export interface GroupOptions {
  /** For people: `server-2`. */
  name: string;
  /** Program and arguments. */
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  guard: ProcessGuard;
  clock: Clock;
}

/** A program with all the processes that it starts: they can be killed, stopped and let go on as one. */
export class ProcessGroup {
  readonly name: string;
  /** Process id of the first process, and of the group. */
  readonly pid: number;
  /** Resolves with how the first process ended, e.g. `SIGKILL` or `exit code 1`. */
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;
  readonly #guard: ProcessGuard;
  readonly #clock: Clock;
  #output = '';
  #ended = false;

  private constructor(options: GroupOptions, child: ChildProcess, pid: number) {
    this.name = options.name;
    this.pid = pid;
    this.#child = child;
    this.#guard = options.guard;
    this.#clock = options.clock;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-8000);
      });
    }
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#ended = true;
        resolve(signal ?? `exit code ${code}`);
      });
    });
    this.#guard.watch(pid);
  }

  /** Starts it. Rejects with a sentence when the program cannot be started. */
  static start(options: GroupOptions): Promise<ProcessGroup> {
    const [program = '', ...args] = options.command;
    const child = spawn(program, args, {
      // Of its own: a group that signals can be sent to, and that a Ctrl-C at the terminal does not reach.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...ownEnvironment(), ...options.env },
    });
    const { pid } = child;
    if (pid !== undefined) return Promise.resolve(new ProcessGroup(options, child, pid));
    return new Promise((_, reject) => {
      child.once('error', (cause) =>
        reject(new Error(`${options.name} cannot be started: ${cause.message}`, { cause })),
      );
    });
  }

  /** True once the first process has ended; others of the group may live on. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What it wrote last, for an error message. */
  get lastWords(): string {
    return lastWords(this.#output);
  }

  /** Sends a signal to the first process only. */
  tell(signal: 'SIGTERM' | 'SIGINT'): void {
    this.#child.kill(signal);
  }

  /** Process ids of those that live. */
  get members(): number[] {
    return groupMembers(this.pid).map(({ pid }) => pid);
  }

  /**
   * Kills all its processes at once. Gives back what proves it.
   *
   * @param before who is in the group, for a caller that cannot wait for the list because the moment matters
   */
  async kill(before = this.members): Promise<Proof[]> {
    this.#signal('SIGKILL');
    const gone = await this.#until(() => groupMembers(this.pid).length === 0);
    await within(this.#clock, 1000, this.exited);
    this.#guard.release(this.pid);
    return [{ what: `${this.name}: processes ${before.join(', ')} are gone`, holds: gone && before.length > 0 }];
  }

  /** Stops all its processes. Gives back what proves it. */
  async freeze(): Promise<Proof[]> {
    this.#signal('SIGSTOP');
    const stopped = await this.#until(() => groupMembers(this.pid).every(({ state }) => state === 'T'));
    const pids = this.members;
    return [{ what: `${this.name}: processes ${pids.join(', ')} stood still`, holds: stopped && pids.length > 0 }];
  }

  /** Lets all its processes go on. Gives back the proof that they had stood still until then. */
  thaw(ms: number): Proof[] {
    const members = groupMembers(this.pid);
    const still = members.length > 0 && members.every(({ state }) => state === 'T');
    this.#signal('SIGCONT');
    return [{ what: `${this.name} still stood still after ${ms / 1000} s`, holds: still }];
  }

  /** Makes sure that nothing of it is left: SIGTERM, `grace` ms to end, SIGKILL. */
  async close(grace: number): Promise<void> {
    if (!this.#ended && grace > 0) {
      this.#signal('SIGCONT');
      this.tell('SIGTERM');
      await within(this.#clock, grace, this.exited);
    }
    await this.kill();
  }

  /** True if it came to be within two seconds. */
  async #until(condition: () => boolean): Promise<boolean> {
    const deadline = this.#clock.now() + 2000;
    while (!condition()) {
      if (this.#clock.now() >= deadline) return false;
      await this.#clock.sleep(5);
    }
    return true;
  }

  #signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // No process of the group is left.
    }
  }
}

/** What children inherit: all but settings of evenkeel, which are meant for other servers than the ones started here. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = (name: string) => !name.startsWith('EVENKEEL_') || name.startsWith('EVENKEEL_REGISTRY_AUTH');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept(name)));
}
