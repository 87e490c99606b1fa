/** Why a process is not ready, or not alive. */
export interface Problem {
  /** A short name for programs, e.g. `draining`. */
  name: string;
  /** A sentence for people. */
  message: string;
}

/** What probes ask. */
export interface HealthView {
  /** Why the process should be restarted. Empty if it should not. */
  live(): readonly Problem[];
  /** Why the process should get no traffic. Empty if it may. */
  ready(): readonly Problem[];
}

/**
 * What stands in the way of a process's work. Whoever has a reason reports it and takes it back himself, so that reasons never
 * overwrite each other.
 *
 * What a start waits for is held once and released once: a registry that goes away later must not turn all pods unready.
 */
export class Health implements HealthView {
  readonly #holds = new Set<Problem>();
  readonly #failures = new Set<Problem>();

  /** Makes the process unready until the function that it gives is called. */
  hold(name: string, message: string): () => void {
    return put(this.#holds, { name, message });
  }

  /** Declares the process broken beyond its own repair, until the function that it gives is called. */
  fail(name: string, message: string): () => void {
    return put(this.#failures, { name, message });
  }

  live(): readonly Problem[] {
    return [...this.#failures];
  }

  ready(): readonly Problem[] {
    return [...this.#failures, ...this.#holds];
  }
}

function put(problems: Set<Problem>, problem: Problem): () => void {
  problems.add(problem);
  return () => problems.delete(problem);
}
