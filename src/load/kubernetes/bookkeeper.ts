import { type Clock, every, type Timer } from '../../core/clock.ts';
import type { BookGap, Books } from '../books.ts';
import { PodBooks } from './pod-books.ts';
import type { PodLife } from './pod-life.ts';
import type { Population } from './population.ts';

/** How often the books of a pod are read, ms: of one that goes, and of any other. What it had then is safe if its node is lost. */
const hurry = 250;
const leisure = 1_000;
/** How long the last reading may take, ms. */
const patience = 10_000;

/** Follows the books of all servers. */
export class Bookkeeper {
  readonly #population: Population;
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #books = new Map<PodLife, PodBooks>();
  readonly #timer: Timer;

  constructor(population: Population, clock: Clock, now: () => number) {
    this.#population = population;
    this.#clock = clock;
    this.#now = now;
    this.#timer = every(clock, hurry, () => this.#tick());
  }

  /** The load will begin: what is written already is of earlier ones. */
  async begin(): Promise<void> {
    this.#tick();
    await Promise.all([...this.#books.values()].map((books) => books.begin()));
  }

  /** The load is over: reads what there still is, and puts all together. Undefined where no server keeps books. */
  async close(): Promise<Books | undefined> {
    this.#timer.cancel();
    this.#tick();
    const since = this.#now();
    const deadline = this.#clock.now() + patience;
    const books = [...this.#books.values()];
    await Promise.all(
      books.map(async (one) => {
        const done = () => one.over || one.readSince(since);
        while (!done() && this.#clock.now() < deadline) {
          await one.read();
          if (!done()) await this.#clock.sleep(hurry);
        }
      }),
    );
    const until = this.#now();
    await Promise.all(books.map((one) => one.close()));
    if (books.length === 0) return undefined;
    const gaps = books.flatMap((one) => one.gap(since, until) ?? []);
    const executions = books.flatMap((one) => one.executions);
    return { executions, gaps: [...gaps, ...this.#without(until)] };
  }

  /** How many calls these processes of a server work on right now; undefined where that cannot be read. */
  async working(life: PodLife, pids: readonly number[]): Promise<number | undefined> {
    const books = this.#of(life);
    // A reading that is under way may have begun too early.
    await books?.read();
    if (books === undefined || !(await books.read())) return undefined;
    return books.executions.filter(({ ended, writer }) => ended === undefined && pids.includes(writer.pid)).length;
  }

  /** Ends without a last reading. */
  async abandon(): Promise<void> {
    this.#timer.cancel();
    await Promise.all([...this.#books.values()].map((one) => one.close()));
  }

  #tick(): void {
    for (const life of this.#population.all('server')) {
      const books = this.#of(life);
      if (books === undefined || books.over) continue;
      const period = life.stoppedAt === undefined ? leisure : hurry;
      if (this.#now() - books.askedAt >= period) void books.read();
    }
  }

  #of(life: PodLife): PodBooks | undefined {
    const known = this.#books.get(life);
    const where = life.at('ledger');
    if (known !== undefined || where === undefined) return known;
    const made = new PodBooks(life, where, this.#now);
    this.#books.set(life, made);
    return made;
  }

  /** Servers that worked and kept no books, beside others that do. */
  #without(until: number): BookGap[] {
    return this.#population
      .all('server')
      .filter((life) => !this.#books.has(life) && life.readyAt !== undefined)
      .map(({ name, startedAt, goneAt = until }) => ({
        server: name,
        from: startedAt,
        until: goneAt,
        why: 'its calls were not recorded',
      }));
  }
}
