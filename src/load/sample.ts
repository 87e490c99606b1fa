/**
 * What a load generator writes down about its calls, and the calls put together from it. Times are milliseconds since
 * 1970: the only clock that processes share. Each process carries its wall time on by its monotonic clock, so that a
 * jump of the wall clock in the middle of a run cannot bend a latency; but k6, which has no other clock than the wall's.
 */

/** A call was handed to HTTP. Written before the first byte is sent: a call that vanishes leaves this behind. */
export interface SentRecord {
  kind: 'sent';
  id: string;
  method: string;
  /** True if running it twice does harm: it must not be sent again once it may have run. */
  unsafe: boolean;
  /** When it was due. Latency counts from here, so that a generator that falls behind cannot hide it. */
  intended: number;
  sent: number;
}

/** A call came to an end, whatever that was. */
export interface EndRecord {
  kind: 'end';
  id: string;
  at: number;
  /** `ok`; `WRONG`: an answer, but not the right one; else the error's code, with the reason behind a slash. */
  outcome: string;
  /** How many times it was sent to servers. */
  attempts: number;
  /** Id of the node that answered, if one did. */
  node?: string;
  /** True if the error said that the handler may have run. */
  mayHaveExecuted: boolean;
}

/** Calls that were due and never sent, because too many were without an answer. */
export interface DroppedRecord {
  kind: 'dropped';
  at: number;
  count: number;
}

/** The generator ended in good order. Missing when it was killed. */
export interface FinishedRecord {
  kind: 'finished';
  at: number;
  /** Calls that were due until then: what the number of `sent` and `dropped` is held against. */
  due: number;
}

export type LoadRecord = SentRecord | EndRecord | DroppedRecord | FinishedRecord;

/** A call as the caller saw it. */
export interface Sample {
  readonly id: string;
  readonly method: string;
  readonly unsafe: boolean;
  readonly intended: number;
  readonly sent: number;
  /** Undefined while it has no end: for ever, if the call or the generator was lost. */
  readonly end: Omit<EndRecord, 'kind' | 'id'> | undefined;
}

/** The caller's side of the books: every call that was sent, by id, in the order of sending. */
export class SampleBook {
  readonly #samples = new Map<string, Sample>();
  readonly #dropped: DroppedRecord[] = [];
  readonly #contradictions: string[] = [];
  #finished: FinishedRecord | undefined;

  add(record: LoadRecord): void {
    switch (record.kind) {
      case 'sent': {
        const { kind: _, ...facts } = record;
        if (this.#samples.has(record.id)) this.#contradictions.push(`call ${record.id} was sent twice by the caller`);
        else this.#samples.set(record.id, { ...facts, end: undefined });
        break;
      }
      case 'end': {
        const { kind: _, id, ...end } = record;
        const sample = this.#samples.get(id);
        if (sample === undefined) this.#contradictions.push(`call ${id} ended without having been sent`);
        else if (sample.end !== undefined) this.#contradictions.push(`call ${id} ended twice`);
        else this.#samples.set(id, { ...sample, end });
        break;
      }
      case 'dropped':
        this.#dropped.push(record);
        break;
      case 'finished':
        this.#finished = record;
        break;
    }
  }

  get samples(): readonly Sample[] {
    return [...this.#samples.values()];
  }

  get size(): number {
    return this.#samples.size;
  }

  get dropped(): readonly DroppedRecord[] {
    return this.#dropped;
  }

  /** What cannot be: an id that was sent twice or ended twice. Books that contradict themselves prove nothing. */
  get contradictions(): readonly string[] {
    return this.#contradictions;
  }

  get finished(): FinishedRecord | undefined {
    return this.#finished;
  }
}

/** How long the caller waited, ms, from the moment the call was due. Undefined if it has no end. */
export function latency(sample: Sample): number | undefined {
  return sample.end === undefined ? undefined : sample.end.at - sample.intended;
}
