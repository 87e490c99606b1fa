import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import { WholeLines } from '../whole-lines.ts';

/**
 * Reads the lines of a file that another process appends to, as they come. A file rather than a pipe: it holds what a
 * killed writer wrote, and a slow reader does not hold the writer up.
 */
export class Tail {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onLine: (line: string) => void;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(path: string, clock: Clock, onLine: (line: string) => void) {
    this.#path = path;
    this.#clock = clock;
    this.#onLine = onLine;
    this.#done = this.#run();
  }

  /** Reads what is left and ends. A torn last line is not handed over. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const file = await this.#opened();
    if (file === undefined) return;
    try {
      const buffer = Buffer.alloc(256 * 1024);
      const lines = new WholeLines();
      for (;;) {
        // Asked before the read: what was written before the end was told is still read.
        const last = this.#stop.signal.aborted;
        const { bytesRead } = await file.read(buffer, 0, buffer.length);
        for (const line of lines.add(buffer.subarray(0, bytesRead))) this.#onLine(line);
        if (bytesRead > 0) continue;
        if (last) return;
        await this.#pause();
      }
    } finally {
      await file.close();
    }
  }

  /** The file, once it is there. */
  async #opened(): Promise<FileHandle | undefined> {
    for (;;) {
      const last = this.#stop.signal.aborted;
      try {
        return await open(this.#path, 'r');
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
        if (last) return undefined;
      }
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    await this.#clock.sleep(50, this.#stop.signal).catch(() => {});
  }
}
