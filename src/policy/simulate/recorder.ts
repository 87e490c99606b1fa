/** Width of a record's steps, ms. */
export const step = 100;

/** What was seen of one server, in steps of `step` ms from the beginning. */
export interface ServerRecord {
  readonly id: string;
  /** When it served: from, until. */
  readonly serving: { from: number; to: number }[];
  /** Attempts that were sent to it, by the time of their sending. */
  readonly attempts: Float64Array;
  /** What the clients that know it leave of its weight on average, 0..1; NaN where none knows it. */
  readonly standing: Float64Array;
}

/** What one run showed. */
export interface Result {
  readonly scenario: string;
  readonly policy: string;
  /** Calls a second, of all clients together. */
  readonly rate: number;
  readonly seed: number;
  /** Calls made, those in a hurry left out. */
  readonly calls: number;
  /** Of them, those that failed. */
  readonly lost: number;
  /** Calls in a hurry, and those of them that got no answer in time. */
  readonly hasty: { readonly calls: number; readonly late: number };
  readonly attempts: number;
  /** Attempts whose answer was of no use: they failed, or another one was answered sooner. */
  readonly wasted: number;
  readonly retries: number;
  readonly hedges: number;
  /** How often a client took all servers for bad. */
  readonly panics: number;
  /** How long the calls that were answered took, ms, the fastest first. */
  readonly latencies: Float64Array;
  readonly servers: readonly ServerRecord[];
}

/** Takes down what happens. */
export class Recorder {
  readonly servers = new Map<string, ServerRecord>();
  readonly #steps: number;
  #calls = 0;
  #lost = 0;
  #hasty = 0;
  #late = 0;
  #attempts = 0;
  #answered = 0;
  #retries = 0;
  #hedges = 0;
  readonly #latencies: number[] = [];

  /** @param duration of the record, ms */
  constructor(duration: number) {
    this.#steps = Math.ceil(duration / step);
  }

  onServing(id: string, on: boolean, now: number): void {
    let record = this.servers.get(id);
    if (record === undefined) {
      const attempts = new Float64Array(this.#steps);
      record = { id, serving: [], attempts, standing: new Float64Array(this.#steps).fill(Number.NaN) };
      this.servers.set(id, record);
    }
    const last = record.serving.at(-1);
    if (on) record.serving.push({ from: now, to: Number.POSITIVE_INFINITY });
    else if (last?.to === Number.POSITIVE_INFINITY) last.to = now;
  }

  onCall(hasty: boolean): void {
    if (hasty) this.#hasty++;
    else this.#calls++;
  }

  onAttempt(id: string, now: number): void {
    this.#attempts++;
    const { attempts } = this.servers.get(id)!;
    const at = Math.floor(now / step);
    if (at < attempts.length) attempts[at]!++;
  }

  onAgain(kind: 'retry' | 'hedge'): void {
    if (kind === 'retry') this.#retries++;
    else this.#hedges++;
  }

  onAnswered(latency: number, hasty: boolean): void {
    this.#answered++;
    if (!hasty) this.#latencies.push(latency);
  }

  onLost(hasty: boolean): void {
    if (hasty) this.#late++;
    else this.#lost++;
  }

  onStanding(id: string, standing: number, now: number): void {
    const record = this.servers.get(id)!;
    const at = Math.floor(now / step);
    if (at < this.#steps) record.standing[at] = standing;
  }

  result(of: Pick<Result, 'scenario' | 'policy' | 'rate' | 'seed' | 'panics'>): Result {
    return {
      ...of,
      calls: this.#calls,
      lost: this.#lost,
      hasty: { calls: this.#hasty, late: this.#late },
      attempts: this.#attempts,
      wasted: this.#attempts - this.#answered,
      retries: this.#retries,
      hedges: this.#hedges,
      latencies: Float64Array.from(this.#latencies).sort(),
      servers: [...this.servers.values()],
    };
  }
}
