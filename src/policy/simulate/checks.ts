import { jitter, type Random } from '../../core/random.ts';
import type { Agenda } from './agenda.ts';

/** What a check needs of the connection that it is made on. */
export interface Checked {
  isConnected(): boolean;
  /** Asks something that the server answers at once, if it runs. */
  ask(then: () => void): void;
  onHealthy(): void;
  onUnhealthy(since: number): void;
}

/** Is told how the check ended: undefined if that shows nothing. */
type Waiting = (verdict: boolean | undefined) => void;

/** How long a check may take, ms. */
const timeout = 1_000;
const spread = 0.2;

/** Asks a server now and then whether it does its work, and when it is probed. As `client/health-checks.ts` does it. */
export class Checks {
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #link: Checked;
  /** Who waits for the check under way: there is one at a time. */
  #running: Waiting[] | undefined;

  constructor(link: Checked, agenda: Agenda, random: Random) {
    this.#link = link;
    this.#agenda = agenda;
    this.#random = random;
  }

  start(interval: number): void {
    let first = true;
    const wait = () => {
      const ms = first ? interval * this.#random() : jitter(interval, spread, this.#random);
      first = false;
      return ms;
    };
    this.#agenda.every(wait, () => this.#check());
  }

  /** One check, or the one under way. */
  probe(then: (ok: boolean) => void): void {
    if (!this.#link.isConnected()) return then(false);
    this.#ask((verdict) => then(verdict === true));
  }

  /** The connection is gone: that shows nothing of what was asked. */
  lost(): void {
    this.#end(this.#running, undefined);
  }

  #check(): void {
    if (!this.#link.isConnected() || this.#running !== undefined) return;
    const since = this.#agenda.now;
    this.#ask((verdict) => {
      if (verdict === true) this.#link.onHealthy();
      else if (verdict === false) this.#link.onUnhealthy(since);
    });
  }

  #ask(then: Waiting): void {
    if (this.#running !== undefined) return void this.#running.push(then);
    const waiting = [then];
    this.#running = waiting;
    this.#link.ask(() => this.#end(waiting, true));
    this.#agenda.after(timeout, () => this.#end(waiting, false));
  }

  #end(waiting: Waiting[] | undefined, verdict: boolean | undefined): void {
    if (waiting === undefined || this.#running !== waiting) return;
    this.#running = undefined;
    for (const callback of waiting) callback(verdict);
  }
}
