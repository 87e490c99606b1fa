/** A child process of the bench: speaks over its IPC channel, and is gone when the bench is. */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { systemClock as clock } from '../../src/core/clock.ts';

/** How long a child may be silent while a message of it is awaited, ms. */
const patience = 60_000;

export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #messages: unknown[] = [];
  #wake: () => void = () => {};

  /** @param entry file name beside this one */
  constructor(entry: string, args: string[] = [], execArgv: string[] = []) {
    this.#process = fork(new URL(entry, import.meta.url), args, { execArgv });
    this.#name = [entry, ...args].join(' ');
    this.#process.on('message', (message) => {
      this.#messages.push(message);
      this.#wake();
    });
    this.#process.on('exit', () => this.#wake());
  }

  send(message: object | string): void {
    this.#process.send(message, () => {});
  }

  ask<T>(question: object | string): Promise<T> {
    this.send(question);
    return this.next<T>();
  }

  /** The next message. Rejects when the child ends instead, or is silent for a minute. */
  async next<T>(): Promise<T> {
    const latest = clock.now() + patience;
    const timer = clock.timer(patience, () => this.#wake(), { keepAlive: true });
    try {
      while (this.#messages.length === 0) {
        if (this.#ended) throw new Error(`${this.#name} ended`);
        if (clock.now() >= latest) throw new Error(`${this.#name} was silent for ${patience} ms`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      return this.#messages.shift() as T;
    } finally {
      timer.cancel();
    }
  }

  /**
   * Keeps its main thread on one core. Unpinned, the kernel moves a pair that talks now onto one core, now onto two, and a
   * wake-up across cores costs several times as much: two rounds of one contender would not be alike. Resolves with false
   * where there is no `taskset`.
   */
  pin(core: number): Promise<boolean> {
    return new Promise((resolve) => {
      execFile('taskset', ['-p', '-c', String(core), String(this.#process.pid)], (error) => resolve(error === null));
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const gone = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    await gone;
  }

  get #ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
}
