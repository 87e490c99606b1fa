import type { BookGap } from './books.ts';
import type { ClusterState } from './cluster.ts';
import type { Sample } from './sample.ts';

/** Which calls depend on notes that are missing from the handlers' books. */
export class Doubt {
  readonly #gaps: readonly BookGap[];
  readonly #servers = new Map<string, string>();

  constructor(gaps: readonly BookGap[], states: readonly ClusterState[]) {
    this.#gaps = gaps;
    if (gaps.length === 0) return;
    for (const { gateways } of states) {
      for (const { id, server } of gateways.flatMap(({ nodes }) => nodes)) {
        if (server !== undefined) this.#servers.set(id, server);
      }
    }
  }

  /** The gap in which the call may have run unseen. */
  about({ sent, end }: Sample): BookGap | undefined {
    // Sent once and answered: it ran where the answer came from. Sent again, it may have run anywhere.
    const only = end?.attempts === 1 && end.node !== undefined ? this.#servers.get(end.node) : undefined;
    return this.#gaps.find(({ server, from, until }) => {
      return sent <= until && (end?.at ?? Number.POSITIVE_INFINITY) >= from && (only ?? server) === server;
    });
  }
}

/** For people; `began` is when the load began. */
export function describeGap({ server, from, until, why }: BookGap, began: number): string {
  const second = (at: number) => ((at - began) / 1000).toFixed(1);
  return `the notes of ${server} from ${second(from)} s to ${second(until)} s are missing: ${why}`;
}
