import { appendFileSync, readdirSync, readFileSync, rmSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { LedgerFile } from './ledger-protocol.ts';

/** The name of a file that a handler's process writes: its process, and which part of its notes this is. */
const ofHandlers = /^(handled-[\w-]+)(?:\.(\d+))?\.ndjson$/;
/** Where it is written down what was removed: a program that starts again must still know. */
const removedName = 'removed.ndjson';

interface Found extends LedgerFile {
  /** What the parts of one process have in common. */
  process: string;
  part: number;
  modified: number;
}

/** The folder that the processes of one server write to (ledger.ts), seen by a program that only reads, and makes room. */
export class LedgerFolder {
  readonly #path: string;
  readonly #removed: LedgerFile[];

  constructor(path: string) {
    this.#path = path;
    this.#removed = readLines(join(path, removedName)).flatMap((line) => parseFile(line) ?? []);
  }

  /** In the order of their names. None while the folder is not there. */
  files(): LedgerFile[] {
    return this.#scan().map(({ name, size }) => ({ name, size }));
  }

  get removed(): readonly LedgerFile[] {
    return this.#removed;
  }

  /** Opens a file that `files` has named; undefined for any other. Closing it is the caller's. */
  async open(name: string): Promise<FileHandle | undefined> {
    // Whoever asks is a stranger: no name leads out of the folder.
    if (!ofHandlers.test(name)) return undefined;
    return open(join(this.#path, name), 'r').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw cause;
    });
  }

  /**
   * Removes the oldest files until all together hold at most so many bytes. Never the last one of a process, which it may still
   * be writing: so there may be more, by one part of a file for each process that there ever was.
   */
  makeRoom(bytes: number): void {
    const found = this.#scan();
    let total = found.reduce((sum, { size }) => sum + size, 0);
    const last = new Map<string, number>();
    for (const { process, part } of found) last.set(process, Math.max(part, last.get(process) ?? 0));
    const done = found.filter(({ process, part }) => part < last.get(process)!);
    for (const { name, size } of done.sort((a, b) => a.modified - b.modified)) {
      if (total <= bytes) return;
      // First the note: a file that is gone and nobody knows would be a lie.
      appendFileSync(join(this.#path, removedName), `${JSON.stringify({ name, size })}\n`);
      this.#removed.push({ name, size });
      rmSync(join(this.#path, name), { force: true });
      total -= size;
    }
  }

  #scan(): Found[] {
    return namesIn(this.#path).flatMap((name) => {
      const [, process, part = '0'] = ofHandlers.exec(name) ?? [];
      const stats = process === undefined ? undefined : statOf(join(this.#path, name));
      if (process === undefined || stats === undefined) return [];
      return { name, size: stats.size, process, part: Number(part), modified: stats.mtimeMs };
    });
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (cause) {
    // The first process that writes makes the folder.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function parseFile(line: string): LedgerFile | undefined {
  try {
    const { name, size } = JSON.parse(line) as LedgerFile;
    return { name, size };
  } catch {
    return undefined;
  }
}
