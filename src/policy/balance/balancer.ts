/** What a balancer sees of a node. It reads these afresh at each pick, except `weight` and `healthy`: see `update`. */
export interface Candidate {
  /** Effective weight, above 0. */
  readonly weight: number;
  /** True if at most one fault is not made up for: the weight's factor is at least 1/2. */
  readonly healthy: boolean;
  /** Attempts on the node that are not over. */
  readonly inFlight: number;
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
   */
  pick(excluded: readonly T[]): T | undefined;
}
