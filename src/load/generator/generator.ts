import type { LoadPlan } from '../plan.ts';
import type { LoadEnd } from '../recording.ts';
import type { LoadRecord } from '../sample.ts';

/** What makes load and writes down what became of it: k6, or our own generator. */
export interface LoadGenerator {
  /** For people and the report: `k6 1.8.1`, `built-in`. */
  readonly name: string;
  /** Begins at once. Throws a sentence when it cannot. */
  start(plan: LoadPlan, listener: (record: LoadRecord) => void): Promise<RunningLoad>;
}

export interface RunningLoad {
  /** Process id of the generator. */
  readonly pid: number | undefined;
  /** Resolves when it is over and all that it wrote down has been handed over. Never rejects. */
  readonly ended: Promise<LoadEnd>;
  /** Tells it to send no more calls; those in flight may end. `ended` follows within the deadline of a call. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}
