import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../core/clock.ts';
import type { HandlerContext, ServiceModule } from '../core/contract.ts';
import { freshId } from '../core/random.ts';
import { ExecutionBook } from './ledger-book.ts';

/**
 * The handlers' side of the books. Each serving process appends a line to a file of its own when a call begins and when it
 * ends, before it goes on: the operating system has the line then, and keeps it when the process is killed. Compared with
 * what the callers wrote down, this shows calls that were lost, answers that nobody worked out, and work done twice.
 */

/** Metadata key of a call's id. Through the gateway it is the header `evenkeel-meta-call-id`. */
export const callIdKey = 'call-id';

/** Who wrote: a server by its name, and one of its processes. */
export interface Writer {
  server: string;
  pid: number;
}

/** A call as a handler saw it. */
export interface Execution {
  id: string;
  method: string;
  writer: Writer;
  /** ms since 1970 */
  began: number;
  /** Undefined if it never ended: the process was killed meanwhile, or is frozen. */
  ended: number | undefined;
}

/** A line of a file. */
export type LedgerLine =
  | { kind: 'writer'; server: string; pid: number }
  | { kind: 'begin'; call: number; id: string; method: string; at: number }
  | { kind: 'end'; call: number; at: number };

export interface LedgerOptions {
  /** Folder that outlives the process; made if missing. */
  directory: string;
  /** Name of the server that this process belongs to. Default: the host's name, which is the pod's on Kubernetes. */
  server?: string;
  /** Bytes of a file after which the next one is begun, so that the oldest can be removed. Default 4 MiB. */
  partSize?: number;
  /** Default: the system's. */
  clock?: Clock;
}

/** Appends to one file, synchronously; when that is large, to the next one. */
export class Ledger {
  readonly #path: string;
  readonly #head: LedgerLine;
  readonly #partSize: number;
  readonly #now: () => number;
  #part = 0;
  #file: number;
  #size = 0;
  #calls = 0;

  constructor(options: LedgerOptions) {
    const clock = options.clock ?? systemClock;
    // The wall clock as it is now, carried on by the monotonic one: it may jump during the run.
    const offset = clock.wallTime() - clock.now();
    this.#now = () => clock.now() + offset;
    mkdirSync(options.directory, { recursive: true });
    this.#head = { kind: 'writer', server: options.server ?? hostname(), pid: process.pid };
    this.#partSize = options.partSize ?? 4 * 1024 * 1024;
    // Process ids start again in every container and are used again by the system: the name needs more than them.
    this.#path = join(options.directory, `handled-${process.pid}-${freshId()}`);
    this.#file = this.#begin();
  }

  /** Writes that a call begins. The function returned writes that it ended. */
  begin(id: string, method: string): () => void {
    const call = ++this.#calls;
    this.#write({ kind: 'begin', call, id, method, at: this.#now() });
    return () => this.#write({ kind: 'end', call, at: this.#now() });
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Opens the next part. */
  #begin(): number {
    this.#part++;
    this.#file = openSync(`${this.#path}.${this.#part}.ndjson`, 'a');
    this.#size = 0;
    this.#write(this.#head);
    return this.#file;
  }

  #write(line: LedgerLine): void {
    if (this.#size >= this.#partSize) {
      closeSync(this.#file);
      this.#begin();
    }
    this.#size += writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

type AnyHandler = (input: unknown, context: HandlerContext) => unknown;

/** The same service, whose handlers write down each call that carries an id. */
export function recorded<M extends ServiceModule>(module: M, ledger: Ledger): M {
  const handlers = Object.fromEntries(
    Object.entries(module.handlers as Record<string, AnyHandler>).map(([method, handler]) => [
      method,
      async (input: unknown, context: HandlerContext) => {
        const id = context.metadata[callIdKey];
        if (id === undefined) return handler(input, context);
        const end = ledger.begin(id, method);
        try {
          return await handler(input, context);
        } finally {
          end();
        }
      },
    ]),
  );
  return { ...module, handlers: handlers as M['handlers'] };
}

/** Reads what all handlers wrote, or those of some processes. A torn last line, as a killed process may leave, is passed over. */
export function readExecutions(directory: string, pids?: readonly number[]): Execution[] {
  const book = new ExecutionBook();
  const names = readdirSync(directory).filter((name) => {
    const [word, pid] = name.split('-');
    return word === 'handled' && (pids === undefined || pids.includes(Number(pid)));
  });
  for (const name of names.sort(byPart)) book.add(name, readFileSync(join(directory, name), 'utf8').split('\n'));
  return book.executions;
}

/** Parts of one process's notes one after the other: `.2` before `.10`. */
export function byPart(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
