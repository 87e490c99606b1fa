import type { BookGap } from '../books.ts';
import type { Execution } from '../ledger.ts';
import { LedgerReader } from '../ledger-reader.ts';
import type { PodLife } from './pod-life.ts';

/** The books of one server's pod, followed while they are written. */
export class PodBooks {
  readonly life: PodLife;
  readonly #reader: LedgerReader;
  readonly #now: () => number;
  #reading: Promise<boolean> | undefined;
  /** When the last time began that everything was read, ms since 1970. */
  #readAt: number | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failure = '';

  /** @param where host:port of its ledger; @param now ms since 1970 */
  constructor(life: PodLife, where: string, now: () => number) {
    this.life = life;
    this.#reader = new LedgerReader(`http://${where}`, life.name);
    this.#now = now;
  }

  /** Nothing more can be had: it has been read to its end, or nobody is there any more who could be asked. */
  get over(): boolean {
    return this.#reader.complete || (this.life.removedAt !== undefined && this.#failure !== '');
  }

  /** When it was asked last, ms since 1970. */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** Whether it was asked since then, and gave everything that there was. */
  readSince(at: number): boolean {
    return this.#readAt !== undefined && this.#readAt >= at;
  }

  /** Reads what is new. Never rejects: what fails is tried again the next time, or becomes a gap. */
  read(): Promise<boolean> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Reads what there is, and drops it. What cannot be read now is read later, and kept. */
  async begin(): Promise<void> {
    // A reading that is under way may have begun too early.
    await this.read();
    if (await this.read()) this.#reader.forget();
  }

  get executions(): readonly Execution[] {
    return this.#reader.executions;
  }

  /** What is missing; undefined if nothing is. The load was over at `since`, the last reading at `until`. */
  gap(since: number, until: number): BookGap | undefined {
    const { life } = this;
    const { name: server, goneAt = until } = life;
    if (this.#reader.lost.length > 0) {
      return {
        server,
        from: life.startedAt,
        until: goneAt,
        why: 'files were removed to make room before they were read',
      };
    }
    if (this.#reader.complete || this.readSince(since)) return undefined;
    // Nobody has ever known it: nobody called it.
    if (life.readyAt === undefined && life.registration.since === undefined) return undefined;
    const from = Math.min(this.#readAt ?? life.startedAt, goneAt);
    const why = life.removedAt === undefined ? this.#failure : 'its pod was gone before the rest was read';
    return { server, from, until: goneAt, why: why === '' ? 'there was no time to read them' : why };
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #read(): Promise<boolean> {
    const at = this.#now();
    this.#askedAt = at;
    try {
      await this.#reader.read();
      this.#readAt = at;
      this.#failure = '';
      return true;
    } catch (cause) {
      this.#failure = `its books cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
      return false;
    }
  }
}
