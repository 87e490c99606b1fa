/** What is looked at here: a node's share of its base weight, 1 when it is well. */
export interface Recovering {
  readonly factor: number;
}

/** A node with at least this factor is healthy. */
export const healthyFactor = 1 / 2;

/** Just below healthy: where nodes wait for each other. */
const line = healthyFactor / 2;

/**
 * The way out of an outage of all nodes. While no node is healthy, picks are even (panic). The first node to become healthy
 * would end that and, at up to 1024 times the others' weight, take all of their traffic because it was lucky. So in an
 * outage no node crosses the line on its own: it waits there until each of the others has come up to the line or has failed
 * since, which shows that it is worse and not just unlucky; but not longer than `patience`.
 */
export class Outage<N extends Recovering> {
  readonly #patience: number;
  #healthy = 0;
  #atLine = 0;
  /** When the first node came up to the line. */
  #since: number | undefined;
  /** Nodes that have neither come up nor failed since then. */
  readonly #awaited = new Set<N>();

  /** @param patience the longest wait, ms */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** A node's factor changed. A node that is new comes from 0, one that is removed goes to 0. */
  moved(node: N, from: number, to: number): void {
    this.#healthy += Number(to >= healthyFactor) - Number(from >= healthyFactor);
    this.#atLine += Number(to >= line) - Number(from >= line);
    if (to >= line || to === 0) this.#awaited.delete(node);
    if (this.#healthy > 0 || this.#atLine === 0) {
      // Over, or begun anew.
      this.#since = undefined;
      this.#awaited.clear();
    }
  }

  /** The node failed: none waits for it any more. */
  failed(node: N): void {
    this.#awaited.delete(node);
  }

  /** How far a node may rise that is about to rise to `to`. */
  limit(node: N, to: number, all: Iterable<N>, now: number): number {
    if (to < healthyFactor || this.#healthy > 0) return to;
    if (this.#since === undefined) {
      this.#since = now;
      for (const other of all) if (other !== node && other.factor < line) this.#awaited.add(other);
    }
    return this.#awaited.size === 0 ? to : Math.max(node.factor, line);
  }

  /** Once patience is over: the nodes still awaited, and the factor to raise them to. None waits for them any more. */
  lateComers(now: number): { nodes: readonly N[]; factor: number } | undefined {
    if (this.#since === undefined || this.#awaited.size === 0 || now < this.#since + this.#patience) return undefined;
    const nodes = [...this.#awaited];
    this.#awaited.clear();
    return { nodes, factor: line };
  }
}
