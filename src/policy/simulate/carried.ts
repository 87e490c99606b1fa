import type { Agenda } from './agenda.ts';
import type { AttemptEnd } from './contender.ts';
import type { Answer, Job, Server } from './server.ts';

/** An attempt, as its link sees it. */
export interface Sent {
  /** True once nobody waits for it: it counts as in flight until the server has let go of it. */
  over: boolean;
  onEnd(end: AttemptEnd): void;
}

export interface CarriedEvents {
  /** The server answered something. */
  onHeard(): void;
  onIdle(): void;
}

/** The way from a client to a server, or back, ms. */
export const hop = 0.25;

/** The attempts of one link: those that wait for a connection, and those on their way. */
export class Carried {
  readonly #agenda: Agenda;
  readonly #server: Server;
  readonly #events: CarriedEvents;
  readonly #pending = new Set<Sent>();
  readonly #sent = new Map<Sent, Job>();

  constructor(agenda: Agenda, server: Server, events: CarriedEvents) {
    this.#agenda = agenda;
    this.#server = server;
    this.#events = events;
  }

  get inFlight(): number {
    return this.#pending.size + this.#sent.size;
  }

  /** It waits for a connection. */
  add(attempt: Sent): void {
    this.#pending.add(attempt);
  }

  send(attempt: Sent): void {
    const job: Job = { answer: (answer) => void this.#agenda.after(hop, () => this.#onAnswer(attempt, job, answer)) };
    this.#sent.set(attempt, job);
    this.#agenda.after(hop, () => this.#server.receive(job));
  }

  /** There is a connection. */
  sendAll(): void {
    for (const attempt of this.#pending) this.send(attempt);
    this.#pending.clear();
  }

  /** Nobody waits for it any more. */
  cancel(attempt: Sent): void {
    attempt.over = true;
    this.#pending.delete(attempt);
    const job = this.#sent.get(attempt);
    if (job !== undefined) this.#agenda.after(hop, () => this.#server.cancel(job));
  }

  /** There is no connection to be had, or it is gone. */
  failAll(end: 'refused' | 'lost'): void {
    const attempts = end === 'refused' ? [...this.#pending] : [...this.#sent.keys()];
    if (end === 'refused') this.#pending.clear();
    else this.#sent.clear();
    for (const attempt of attempts) if (!attempt.over) attempt.onEnd(end);
  }

  #onAnswer(attempt: Sent, job: Job, answer: Answer): void {
    // The answer of a connection that is gone does not arrive.
    if (this.#sent.get(attempt) !== job) return;
    this.#sent.delete(attempt);
    this.#events.onHeard();
    if (!attempt.over) attempt.onEnd(answer);
    if (this.inFlight === 0) this.#events.onIdle();
  }
}
