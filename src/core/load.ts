/** What a server process says of its own load, in each PONG. What is missing it does not know, or is too old to say. */
export interface Load {
  /** Calls at work. */
  readonly inFlight: number;
  /** Calls that wait for their turn: for a place in the process, or for a worker thread. */
  readonly queued: number;
  /** CPU time that the process used in each second that passed, s: 1 = one core all the time; more with worker threads. */
  readonly cpu?: number | undefined;
  /** How many cores it can use: what `cpu` can come to. Less than 1 where processes share a core. Missing = 1. */
  readonly cores?: number | undefined;
  /** The longest that the event loop kept waiting what was due, ms. */
  readonly eventLoopDelay?: number | undefined;
  /** Memory of the whole server as a share of what it may use, 0..1: what this process makes of it. */
  readonly memory?: number | undefined;
}

/** A load and when it came in (`Clock.now`, ms): it is a hint that goes stale within seconds. */
export interface ReportedLoad extends Load {
  readonly at: number;
}
