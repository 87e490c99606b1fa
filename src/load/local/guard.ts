import { spawn } from 'node:child_process';
import { ownFile } from '../own-file.ts';

/**
 * Ends what was started should this process die without a chance to do so itself: a tiny process of its own holds the
 * other end of a pipe, and kills the process groups it was told of when the pipe breaks.
 */
export class ProcessGuard {
  readonly #child;

  constructor() {
    this.#child = spawn(process.execPath, [ownFile('./guard-process.ts', import.meta.url)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', () => {});
    this.#child.unref();
    // Known to be a socket when it is a pipe; it must not keep this process alive.
    (this.#child.stdin as unknown as { unref(): void }).unref();
  }

  /** Takes over the process group of that id: its first process was started `detached`. */
  watch(group: number): void {
    this.#say(`+${group}`);
  }

  /** The group has ended: its id may soon be another's. */
  release(group: number): void {
    this.#say(`-${group}`);
  }

  /** Deletes the folder as well when the pipe breaks, or the guard is closed. */
  tidy(directory: string): void {
    this.#say(`d${directory}`);
  }

  /** Ends what is still watched, as if this process had died, and then the guard. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) resolve();
      this.#child.ref();
      this.#child.once('exit', () => resolve());
      this.#child.stdin.end();
    });
  }

  #say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }
}
