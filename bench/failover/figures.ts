import type { Proof } from '../../src/load/cluster.ts';
import type { Environment } from '../environment.ts';
import type { ContenderName } from './contender.ts';
import type { Part, Summary } from './judge.ts';
import type { Scenario } from './scenario.ts';

/** One contender with one deadline. Times in ms. */
export interface FailoverRun extends Summary {
  contender: ContenderName;
  deadline: number;
  /** The longest time that a call was sent late: over some ms, the machine was busy with other things. */
  lag: number;
  /** How many processes ran in the minute before it, and in its last one. */
  load: { before: number; after: number };
  parts: Part[];
  /** What shows that the faults happened. */
  proofs: Proof[];
}

/** What `figures.json` holds. */
export interface FailoverFigures {
  environment: Environment;
  scenario: Scenario;
  runs: FailoverRun[];
}

/** What did not happen as it should have: figures of such a run prove nothing. */
export function doubts({ proofs }: Pick<FailoverRun, 'proofs'>): string[] {
  return proofs.filter(({ holds }) => !holds).map(({ what }) => what);
}
