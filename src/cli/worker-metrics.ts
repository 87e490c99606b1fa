import { type MetricsJson, mergeMetrics, totals } from '../ops/metrics.ts';

/**
 * The metrics of a server whose processes come and go, put together so that no counter falls: what a process counted
 * stays in the sum when it is gone, or does not answer.
 */
export class WorkerMetrics<Process extends object> {
  /** What each process said last. */
  readonly #last = new Map<Process, MetricsJson>();
  /** What those that are gone had counted. */
  #ended: MetricsJson = [];
  /** One at a time: two that found the same process gone would count it twice. */
  #turn: Promise<unknown> = Promise.resolve();

  /** All of it in Prometheus' text format. `report` gives what a process says now, `undefined` if it does not answer. */
  text(own: MetricsJson, living: readonly Process[], report: (process: Process) => unknown): Promise<string> {
    const text = this.#turn.then(() => this.#text(own, living, report));
    this.#turn = text.catch(() => {});
    return text;
  }

  async #text(own: MetricsJson, living: readonly Process[], report: (process: Process) => unknown): Promise<string> {
    for (const process of living) {
      const said = report(process) as MetricsJson | undefined;
      if (said !== undefined) this.#last.set(process, said);
    }
    const gone = [...this.#last.keys()].filter((process) => !living.includes(process));
    if (gone.length > 0) {
      this.#ended = await totals([this.#ended, ...gone.map((process) => this.#last.get(process)!)]);
      for (const process of gone) this.#last.delete(process);
    }
    return mergeMetrics([own, this.#ended, ...this.#last.values()]);
  }
}
