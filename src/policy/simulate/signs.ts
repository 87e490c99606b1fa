import type { Habits } from './contender.ts';

/** Whether the other end of a connection gives signs of life. As `transport/heartbeat.ts` looks at it. */
export class Signs {
  readonly #heartbeat: Habits['heartbeat'];
  #last: number;
  /** When the oldest question without an answer was asked. */
  #asked: number | undefined;
  #wasOverdue = false;

  constructor(heartbeat: Habits['heartbeat'], now: number) {
    this.#heartbeat = heartbeat;
    this.#last = now;
  }

  heard(now: number): void {
    this.#last = now;
  }

  /** True while it was asked and has been silent for one interval more. */
  overdue(now: number): boolean {
    if (this.#heartbeat === undefined || !this.#unanswered) return false;
    return now - this.#asked! > this.#heartbeat.pingAfter;
  }

  /** What is to be done now: ask it, or give it up. To be called every 100 ms. */
  look(now: number): 'ask' | 'dead' | undefined {
    if (this.#heartbeat === undefined) return undefined;
    const { pingAfter, deadAfter } = this.#heartbeat;
    if (this.#unanswered) return now - this.#asked! >= deadAfter - pingAfter ? 'dead' : undefined;
    if (now - this.#last < pingAfter) return undefined;
    this.#asked = now;
    return 'ask';
  }

  /** True once for each time that it falls silent. */
  fellSilent(now: number): boolean {
    const was = this.#wasOverdue;
    this.#wasOverdue = this.overdue(now);
    return this.#wasOverdue && !was;
  }

  get #unanswered(): boolean {
    return this.#asked !== undefined && this.#last < this.#asked;
  }
}
