import { dueTimes, dueWithin, indexOf, type LoadPlan } from '../plan.ts';
import type { FinishedRecord, LoadRecord, SentRecord } from '../sample.ts';

/** Calls looked at before it is known when k6's schedule began. */
const warmUp = 50;
/**
 * What was due within so many ms before k6 was told to stop need not have been made: it is behind its schedule by that much at most.
 * Measured with k6 1.8.1: 35 ms at 2 to 1,000 calls a second, with six busy processes on two CPUs too.
 */
const mayLag = 500;
/** Nor so many more calls: k6 rounds, and leaves out one that is due at the very end of its last stage. */
const mayRound = 1;

interface Point {
  metric: string;
  data: { value: number; tags: Record<string, string>; metadata?: Record<string, string> };
}

/**
 * Makes load records from k6's samples (`--out json`), as loadtest/pi.ts marks them. k6 does not say when a call was due; but
 * its schedule is known, and the call that was the least late tells when the schedule began.
 */
export class K6Reader {
  readonly #plan: LoadPlan;
  readonly #listener: (record: LoadRecord) => void;
  readonly #due: number[] = [];
  readonly #dueTimes: Iterator<number>;
  readonly #waiting: LoadRecord[] = [];
  #origin: number | undefined;
  #sent = 0;
  #dropped = 0;
  #latest = 0;

  constructor(plan: LoadPlan, listener: (record: LoadRecord) => void) {
    this.#plan = plan;
    this.#listener = listener;
    this.#dueTimes = plan.load.kind === 'proof' ? dueTimes(plan.load) : [][Symbol.iterator]();
  }

  /** Takes a line of k6's output. */
  line(text: string): void {
    // Most lines are figures that we do not need: looking at their beginning is cheaper than parsing them.
    if (!text.startsWith('{"metric":"evenkeel_') && !text.startsWith('{"metric":"dropped_iterations"')) return;
    const { metric, data } = JSON.parse(text) as Point;
    const { tags, metadata = {} } = data;
    if (metric === 'dropped_iterations') {
      if (data.value > 0) this.#add({ kind: 'dropped', at: this.#latest, count: data.value });
      this.#dropped += data.value;
    } else if (metric === 'evenkeel_sent') {
      const sent = Number(metadata.began);
      this.#latest = Math.max(this.#latest, sent);
      this.#sent++;
      const method = tags.call ?? '';
      this.#add({ kind: 'sent', id: metadata.id ?? '', method, unsafe: method === 'append', intended: sent, sent });
    } else if (metric === 'evenkeel_call') {
      this.#add({
        kind: 'end',
        id: metadata.id ?? '',
        at: Number(metadata.began) + data.value,
        outcome: tags.outcome ?? 'UNKNOWN',
        attempts: Number(metadata.attempts ?? 1),
        mayHaveExecuted: metadata.mayHaveExecuted === '1',
        ...(metadata.node && { node: metadata.node }),
      });
    }
  }

  /** All lines were handed over; k6 was told to stop, or ended, at that time. */
  finish(at: number): FinishedRecord {
    this.#begin();
    const done = this.#sent + this.#dropped;
    const { load } = this.#plan;
    if (load.kind === 'capacity' || this.#origin === undefined) return { kind: 'finished', at, due: done };
    const length = at - this.#origin;
    const least = dueWithin(load, length - mayLag) - mayRound;
    return { kind: 'finished', at, due: done >= least ? done : dueWithin(load, length) };
  }

  #add(record: LoadRecord): void {
    if (this.#plan.load.kind === 'capacity') this.#listener(record);
    else if (this.#origin !== undefined) this.#listener(this.#timed(record));
    else {
      this.#waiting.push(record);
      if (this.#sent >= warmUp) this.#begin();
    }
  }

  /** Fixes when the schedule began. */
  #begin(): void {
    if (this.#origin !== undefined) return;
    const lags = this.#waiting.flatMap((record) => (record.kind === 'sent' ? record.sent - this.#dueOf(record) : []));
    if (lags.length > 0) this.#origin = Math.min(...lags);
    for (const record of this.#waiting.splice(0)) this.#listener(this.#timed(record));
  }

  #timed(record: LoadRecord): LoadRecord {
    if (record.kind !== 'sent' || this.#origin === undefined) return record;
    return { ...record, intended: Math.min(record.sent, this.#origin + this.#dueOf(record)) };
  }

  /** When the call was due, ms from the beginning of the schedule. A call that was dropped was due too, but took no number. */
  #dueOf({ id }: SentRecord): number {
    const index = (indexOf(this.#plan.run, id) ?? 0) + this.#dropped;
    while (this.#due.length <= index) {
      const next = this.#dueTimes.next();
      // k6 may make a call more than the area under the rate, at the very end.
      this.#due.push(next.done ? (this.#due.at(-1) ?? 0) : next.value);
    }
    return this.#due[index]!;
  }
}
