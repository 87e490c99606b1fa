import { Pool } from 'undici';
import { byPart, type Execution } from './ledger.ts';
import { ExecutionBook } from './ledger-book.ts';
import type { Listing } from './ledger-protocol.ts';
import { WholeLines } from './whole-lines.ts';

/** How long it may take to connect, and one answer to begin and to go on, ms. */
const patience = 2_000;

/** How far a file was read. */
interface Progress {
  offset: number;
  lines: WholeLines;
}

/** Follows the books of one server from afar (ledger-protocol.ts). Asks only when `read` is called. */
export class LedgerReader {
  readonly #pool: Pool;
  readonly #server: string;
  readonly #book = new ExecutionBook();
  readonly #files = new Map<string, Progress>();
  readonly #lost = new Set<string>();
  #complete = false;

  /**
   * @param url such as `http://10.0.0.7:9092`
   * @param server whose books they must be: an address may have another owner later
   */
  constructor(url: string, server: string) {
    this.#server = server;
    const connect = { timeout: patience };
    this.#pool = new Pool(url, { connections: 1, connect, headersTimeout: patience, bodyTimeout: patience });
  }

  /**
   * Fetches what is new. Rejects with a sentence when that failed: what was fetched before is kept, and the next time goes on
   * there. After the last of a server's processes has ended, the first time that succeeds makes the books complete.
   */
  async read(): Promise<void> {
    const listing = JSON.parse((await this.#ask('GET', '/calls')).toString()) as Listing;
    if (listing.server !== this.#server) throw new Error(`the books there are those of ${listing.server}`);
    for (const { name, size } of listing.files.toSorted((a, b) => byPart(a.name, b.name))) {
      while (this.#progress(name).offset < size) await this.#readOn(name);
    }
    for (const { name, size } of listing.removed) if (this.#progress(name).offset < size) this.#lost.add(name);
    this.#complete = listing.state === 'final';
    if (this.#complete) {
      const bytes = listing.files.reduce((sum, { size }) => sum + size, 0);
      // Only to spare it the waiting.
      await this.#ask('POST', `/calls/done?bytes=${bytes}`).catch(() => {});
    }
  }

  /** Drops what was read until now, and what it could not read: the books begin here. */
  forget(): void {
    this.#book.forget();
    // There is nothing left of them to be read.
    for (const name of this.#lost) this.#progress(name).offset = Number.POSITIVE_INFINITY;
    this.#lost.clear();
  }

  /** In the order in which they began. */
  get executions(): Execution[] {
    return this.#book.executions;
  }

  /** True when all processes had ended and all that they wrote was read. */
  get complete(): boolean {
    return this.#complete && this.#lost.size === 0;
  }

  /** Files that were removed to make room before they were read to their end. */
  get lost(): readonly string[] {
    return [...this.#lost];
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #readOn(name: string): Promise<void> {
    const progress = this.#progress(name);
    const bytes = await this.#ask('GET', `/calls?file=${encodeURIComponent(name)}&from=${progress.offset}`);
    if (bytes.length === 0) throw new Error(`${name} ends before its size`);
    progress.offset += bytes.length;
    this.#book.add(name, progress.lines.add(bytes));
  }

  #progress(name: string): Progress {
    let progress = this.#files.get(name);
    if (progress === undefined) {
      progress = { offset: 0, lines: new WholeLines() };
      this.#files.set(name, progress);
    }
    return progress;
  }

  async #ask(method: 'GET' | 'POST', path: string): Promise<Buffer> {
    const { statusCode, body } = await this.#pool.request({ method, path });
    const bytes = Buffer.from(await body.arrayBuffer());
    if (statusCode >= 300) throw new Error(`${path}: ${statusCode} ${bytes.toString().trim()}`);
    return bytes;
  }
}
