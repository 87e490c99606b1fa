/** What a balancer sees of a node. It reads these afresh at each pick, except `weight` and `healthy`: see `update`. */
export interface Candidate {
  /** What `hash` places the node by: the same for a server's whole life, and for every client. */
  readonly id: string;
  /** Effective weight, above 0. */
  readonly weight: number;
  /** True if at most one fault is not made up for: the weight's factor is at least 1/2. */
  readonly healthy: boolean;
  /** Attempts on the node that are not over: one that was given up but that the server may still work on counts. */
  readonly inFlight: number;
  /** How busy the server last said it is: 0 idle, 1 full, above 1 overfull. Undefined where it has said nothing. For `load`. */
  readonly reported?: number | undefined;
}

/** Chooses a node for an attempt. Holds the nodes that can be chosen: those with a live connection. */
export interface Balancer<T extends Candidate> {
  readonly size: number;
  /** True if there are nodes and none is healthy: then weights say nothing, and picks are even among all. */
  readonly panicking: boolean;
  /** Adds a node. @throws RangeError if its weight is not above 0 and finite */
  add(node: T): void;
  /** Removes a node. One that is not here is none of its business. */
  remove(node: T): void;
  /** To be called when a node's `weight` or `healthy` changed. One that is not here is none of its business. */
  update(node: T): void;
  /**
   * Chooses a node that is not in `excluded` while there is one, else any. Undefined only when there are no nodes.
   * Costs O(log n) for each node excluded.
   * @param key what `hash` goes by: calls of one key go to one node. Other balancers ignore it.
   */
  pick(excluded: readonly T[], key?: string): T | undefined;
  /** To be called when an attempt on a node began, after its `inFlight` rose. `now` in ms, on the caller's clock. */
  began(node: T, now: number): void;
  /**
   * To be called when an attempt on a node ended, after its `inFlight` fell or would have fallen.
   * @param latency ms from its beginning to its end
   * @param failed true: it was a fault of the node, however fast it came. Undefined: it shows nothing of the node but that it
   *   had not answered until then (given up, refused because it drains)
   */
  ended(node: T, now: number, latency: number, failed: boolean | undefined): void;
}
