import type { Latency } from './latency.ts';

/** What happens to servers at a moment. A list of ids, or `all`. */
export type Happening = { readonly at: number; readonly servers: readonly string[] | 'all' } & (
  | {
      /**
       * - `kill`: the process dies, its connections end; it stays listed until its session with the registry is over.
       * - `cut`, `heal`: it cannot be reached (its connections end, dials are refused), and can again; it is listed throughout.
       * - `freeze`, `thaw`: it stands still and its connections stay, as by SIGSTOP and SIGCONT.
       * - `leave`: SIGTERM. It leaves the registry, says DRAIN, serves for the drain delay, and ends.
       * - `join`: a new server comes. It is no one's successor, whatever ran in its place.
       */
      readonly what: 'kill' | 'cut' | 'heal' | 'freeze' | 'thaw' | 'leave' | 'join';
    }
  | { readonly what: 'slow' /** What is added to each call from now on, ms. */; readonly ms: number }
  /** Refuses this share of the calls, saying that it is full. */
  | { readonly what: 'errors'; readonly share: number }
);

/** A play for simulated servers and clients, as data. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** How many clients there are, 1..1000; each knows only what it sees itself. The rate of calls is that of all together. */
  readonly clients: number;
  /** Servers at the start: `s1`, `s2`, ... */
  readonly servers: number;
  readonly latency: Latency;
  /** How many calls a server works on at once. Others wait. */
  readonly capacity: number;
  /** A call's deadline, ms. */
  readonly timeout: number;
  /** Callers in a hurry: this share of the calls has this deadline. They are counted apart. */
  readonly hasty?: { readonly share: number; readonly timeout: number };
  /** How long calls are made, ms. */
  readonly duration: number;
  readonly happenings: readonly Happening[];
  /** Servers that are well from a moment on, and are to have their fair share soon. */
  readonly recovers: readonly { readonly at: number; readonly servers: readonly string[] }[];
  /** Where the hottest share is looked for, ms; in each run by itself. Default: everywhere, in all runs together. */
  readonly hottest?: { readonly from: number; readonly to: number };
}
