import { closeSync, openSync, readSync } from 'node:fs';
import { WholeLines } from '../../src/load/whole-lines.ts';

/** What handlers wrote down, read as it grows: which process began which call, in order. */
export class Book {
  readonly #file: number;
  #offset = 0;
  readonly #whole = new WholeLines();
  readonly executions = new Map<string, number[]>();
  /** All of it so far, in order. */
  readonly lines: { id: string; pid: number }[] = [];

  constructor(path: string) {
    this.#file = openSync(path, 'r');
  }

  /** Reads what was written since the last time. */
  read(): void {
    const buffer = Buffer.alloc(65_536);
    for (;;) {
      const n = readSync(this.#file, buffer, 0, buffer.length, this.#offset);
      if (n === 0) break;
      this.#offset += n;
      for (const line of this.#whole.add(buffer.subarray(0, n))) {
        const [id = '', pid] = line.split(' ');
        this.lines.push({ id, pid: Number(pid) });
        const pids = this.executions.get(id);
        if (pids === undefined) this.executions.set(id, [Number(pid)]);
        else pids.push(Number(pid));
      }
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
