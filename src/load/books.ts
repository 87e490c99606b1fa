import type { Execution } from './ledger.ts';

/** What all handlers wrote down, and what of it could not be had. */
export interface Books {
  /** In the order in which they began. */
  executions: readonly Execution[];
  gaps: readonly BookGap[];
}

/** A server's notes that are missing: what it worked on then is not known. Times in ms since 1970. */
export interface BookGap {
  server: string;
  from: number;
  until: number;
  /** Why, a few words: `the pod vanished`. */
  why: string;
}
