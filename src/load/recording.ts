import type { BookGap } from './books.ts';
import type { ClusterState, Deed, Incident } from './cluster.ts';
import type { Execution } from './ledger.ts';
import type { LoadPlan } from './plan.ts';
import type { DroppedRecord, FinishedRecord, Sample } from './sample.ts';
import type { Scenario, Step } from './scenario.ts';
import type { UsageSample } from './usage.ts';

/** All that was seen in one run. Nothing in it is judged yet. Times in ms since 1970. */
export interface Recording {
  scenario: Scenario;
  plan: LoadPlan;
  /** What made the load: `k6 1.8.1`, `built-in`. */
  generator: string;
  /** The load began and ended. */
  began: number;
  ended: number;
  events: readonly PlayedEvent[];
  states: readonly ClusterState[];
  samples: readonly Sample[];
  dropped: readonly DroppedRecord[];
  /** What the callers' books say that cannot be. */
  contradictions: readonly string[];
  load: LoadEnd;
  incidents: readonly Incident[];
  /** What handlers wrote of this run's calls (own-executions.ts); undefined without their books: then a part of the proof is missing. */
  executions: readonly Execution[] | undefined;
  /** What is missing from the handlers' books. */
  gaps: readonly BookGap[];
  /** What pods took meanwhile, in order. */
  usage: readonly UsageSample[];
  environment: Readonly<Record<string, string>>;
  /** Why the run ended before its time, if it did. */
  interrupted: string | undefined;
}

export interface PlayedEvent {
  /** From 1. */
  index: number;
  name: string;
  step: Step;
  /** When it began to bite. */
  at: number;
  settledAt: number | undefined;
  deed: Deed | undefined;
  /** Why it could not be done, or what had not settled when patience ended. */
  problem: string | undefined;
}

/** How the generator ended. */
export type LoadEnd =
  | {
      state: 'finished';
      record: FinishedRecord;
      /** Set if calls in flight were cut off when it was told to stop, as k6 does: those are not judged. */
      cutAt?: number;
    }
  | { state: 'died'; at: number; how: string };
