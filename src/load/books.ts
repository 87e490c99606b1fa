import type { Execution } from './ledger.ts';

/** What all handlers wrote down, and what of it could not be had. */
export interface Books {
  /** Also those of earlier runs on the same servers. Times are those of the servers' clocks. */
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
