import type { Random } from '../../core/random.ts';
import type { Agenda } from './agenda.ts';
import { drawLatency, type Latency } from './latency.ts';

/** How a server ends a call that came to it. */
export type Answer = 'ok' | 'overloaded' | 'draining' | 'cancelled';

/** A call that came to a server. */
export interface Job {
  /** To be called once, unless the connection is lost. */
  answer(answer: Answer): void;
}

/** The other end of a connection. */
export interface Peer {
  /** The server says that it goes. */
  onDrain(): void;
  onLost(): void;
}

export interface ServerOptions {
  latency: Latency;
  /** Calls at work at once. */
  capacity: number;
}

/** More calls than this do not wait for their turn: the server is full. As `maxQueued` of a real one. */
const mostQueued = 1_000;

/**
 * A server, as far as clients see it: it works on some calls at once, lets others wait, and may be gone, stand still, be slow
 * or refuse. All times are those at the server: what is on its way is the links' affair.
 */
export class Server {
  readonly id: string;
  /** What each call takes longer, ms. */
  extra = 0;
  /** The share of calls that it refuses. */
  errors = 0;
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #options: ServerOptions;
  #up = true;
  #frozen = false;
  #draining = false;
  readonly #peers = new Set<Peer>();
  #working = new Set<Job>();
  #queue: Job[] = [];
  /** What it finds to do when it wakes. */
  #inbox: (() => void)[] = [];

  constructor(id: string, agenda: Agenda, random: Random, options: ServerOptions) {
    this.id = id;
    this.#agenda = agenda;
    this.#random = random;
    this.#options = options;
  }

  /** True if it takes calls and answers. */
  get serving(): boolean {
    return this.#up && !this.#frozen && !this.#draining;
  }

  /** True if a TCP connection to it can be made: the kernel does that, however the process is. */
  get reachable(): boolean {
    return this.#up;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Does something as soon as the process runs. */
  whenAwake(callback: () => void): void {
    if (this.#frozen) this.#inbox.push(callback);
    else if (this.#up) callback();
  }

  accept(peer: Peer): void {
    this.#peers.add(peer);
  }

  forget(peer: Peer): void {
    this.#peers.delete(peer);
  }

  receive(job: Job): void {
    this.whenAwake(() => this.#admit(job));
  }

  /** Nobody waits for it any more. */
  cancel(job: Job): void {
    this.whenAwake(() => {
      const queued = this.#queue.indexOf(job);
      if (queued >= 0) this.#queue.splice(queued, 1);
      else if (!this.#working.delete(job)) return;
      job.answer('cancelled');
      this.#next();
    });
  }

  /** All that it was doing is gone. */
  down(): void {
    this.#up = false;
    this.#frozen = false;
    this.#inbox = [];
    this.#working = new Set();
    this.#queue = [];
    const peers = [...this.#peers];
    this.#peers.clear();
    for (const peer of peers) peer.onLost();
  }

  restart(): void {
    this.#up = true;
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    for (const callback of this.#inbox.splice(0)) this.whenAwake(callback);
  }

  /** Says that it goes. What comes nevertheless it still does, until `down`. */
  drain(): void {
    this.#draining = true;
    for (const peer of [...this.#peers]) peer.onDrain();
  }

  #admit(job: Job): void {
    if (this.errors > 0 && this.#random() < this.errors) job.answer('overloaded');
    else if (this.#working.size < this.#options.capacity) this.#work(job);
    else if (this.#queue.length < mostQueued) this.#queue.push(job);
    else job.answer('overloaded');
  }

  #work(job: Job): void {
    this.#working.add(job);
    const time = drawLatency(this.#options.latency, this.#random) + this.extra;
    this.#agenda.after(time, () => this.#whenWorked(job));
  }

  #whenWorked(job: Job): void {
    this.whenAwake(() => {
      if (!this.#working.delete(job)) return;
      job.answer('ok');
      this.#next();
    });
  }

  #next(): void {
    while (this.#working.size < this.#options.capacity && this.#queue.length > 0) this.#work(this.#queue.shift()!);
  }
}
