/** Calls at a constant rate, whatever becomes of them, each with an id; and the judgement of each when all is over. */
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { RpcError } from '../../src/core/error.ts';
import { quantile, sorted } from '../../src/load/statistics.ts';
import type { BookClient } from '../support/book-world.ts';
import type { Book } from './book.ts';

export type Kind = 'read' | 'write' | 'keyed';

/** Of ten calls, six may be repeated by their nature, two by their key, and two must not run twice. */
const kinds: readonly Kind[] = ['read', 'read', 'write', 'read', 'keyed', 'read', 'read', 'write', 'read', 'keyed'];
/** How long a handler takes, ms: so that there are calls in flight for a fault to hit. */
const work = 40;
const deadline = 5_000;

export interface Sent {
  id: string;
  kind: Kind;
  /** When it was due: latency counts from here. */
  intended: number;
  ended: number | undefined;
  /** The process that answered, or the error. */
  outcome: number | RpcError | undefined;
}

export interface Judgement {
  calls: number;
  /** Calls whose caller did not get the right answer, less the unknown ones: what must not be. */
  lost: string[];
  /** Calls that must not run twice, and did. */
  doubled: string[];
  /** Errors that denied what was. */
  lies: string[];
  /** Calls that must not run twice and ended in an error that says that they may have run. */
  unknown: number;
  /** How often handlers ran for each call. */
  amplification: number;
}

export class Load {
  readonly sent: Sent[] = [];
  readonly #client: BookClient;
  readonly #clock: Clock;
  readonly #rate: number;
  readonly #inFlight = new Map<string, Sent>();
  readonly #since: number;
  readonly #running: Promise<void>;
  readonly #stop = new AbortController();

  /** @param rate calls a second */
  constructor(client: BookClient, rate = 300, clock = systemClock) {
    this.#client = client;
    this.#clock = clock;
    this.#rate = rate;
    this.#since = clock.now();
    this.#running = this.#run();
  }

  /** Ids of the calls that wait for their answer now. */
  get inFlight(): string[] {
    return [...this.#inFlight.keys()];
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stop.abort();
  }

  /** Ends it when the last call has its answer, and judges all. */
  async finish(book: Book): Promise<Judgement> {
    this.stop();
    await this.#running;
    while (this.#inFlight.size > 0) await this.#clock.sleep(10);
    book.read();
    return judge(this.sent, book);
  }

  /** Latencies of the calls that were due in a span, ms, in order. */
  latencies(from: number, to: number): number[] {
    const inside = this.sent.filter(({ intended, ended }) => intended >= from && intended < to && ended !== undefined);
    return sorted(inside.map(({ intended, ended }) => ended! - intended));
  }

  /** How long after `fault` p99 of half a second is again below max(1.5 x before, before + 50 ms), ms. */
  recovery(fault: number): { before: number; after: number } {
    const before = quantile(this.latencies(fault - 3_000, fault), 0.99) ?? Number.NaN;
    const good = Math.max(1.5 * before, before + 50);
    let after = 0;
    for (let from = fault; from < this.#clock.now() - 500; from += 500) {
      const p99 = quantile(this.latencies(from, from + 500), 0.99);
      if (p99 === undefined || p99 > good) after = from + 500 - fault;
    }
    return { before, after };
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const now = this.#clock.now();
      while (this.#due(this.sent.length) <= now) this.#send();
      await this.#clock.sleep(Math.max(1, this.#due(this.sent.length) - now));
    }
  }

  #due(n: number): number {
    return this.#since + (n * 1_000) / this.#rate;
  }

  #send(): void {
    const n = this.sent.length;
    const kind = kinds[n % kinds.length]!;
    const id = `${kind}-${n}`;
    const sent: Sent = { id, kind, intended: this.#due(n), ended: undefined, outcome: undefined };
    this.sent.push(sent);
    this.#inFlight.set(id, sent);
    const input = { id, ms: work };
    const options = { timeout: deadline, ...(kind === 'keyed' ? { idempotencyKey: id } : {}) };
    const call = kind === 'read' ? this.#client.read(input, options) : this.#client.write(input, options);
    const end = (outcome: number | RpcError) => {
      sent.ended = this.#clock.now();
      sent.outcome = outcome;
      this.#inFlight.delete(id);
    };
    call.then(
      (answer) => end(answer.id === id ? answer.pid : new RpcError('INTERNAL', `the answer of ${answer.id}`)),
      (error) => end(RpcError.from(error)),
    );
  }
}

/** Compares what callers got with what handlers did. */
export function judge(sent: readonly Sent[], book: Pick<Book, 'executions' | 'lines'>): Judgement {
  const judgement: Judgement = { calls: sent.length, lost: [], doubled: [], lies: [], unknown: 0, amplification: 0 };
  for (const { id, kind, outcome } of sent) {
    const ran = book.executions.get(id)?.length ?? 0;
    if (kind === 'write' && ran > 1) judgement.doubled.push(`${id} ran ${ran} times`);
    if (RpcError.is(outcome)) {
      const said = `${id}: ${outcome.label} ${outcome.message} (may have run: ${outcome.mayHaveExecuted}, tried ${outcome.attempts
        .map(({ node, outcome, duration }) => `${node} ${outcome} ${Math.round(duration)} ms`)
        .join(', ')})`;
      if (!outcome.mayHaveExecuted && ran > 0) judgement.lies.push(`${said}: it ran`);
      if (kind === 'write' && outcome.mayHaveExecuted) judgement.unknown++;
      else judgement.lost.push(said);
    } else if (ran === 0) judgement.lies.push(`${id} was answered, and no handler began it`);
  }
  judgement.amplification = book.lines.length / sent.length;
  return judgement;
}
