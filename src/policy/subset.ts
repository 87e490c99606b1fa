import { rendezvous } from './rendezvous.ts';

/** A server that could be a member. */
export interface SubsetNode {
  readonly id: string;
  /** Tiers have a subset each. */
  readonly tier: number;
  /** True if it has not answered for some time: then another stands in for it. Default false. */
  readonly down?: boolean;
}

export const defaultSubset = 20;

/**
 * The servers that a client connects to when there are many: `size` of each tier, so that backups stay warm. Up to `size`
 * servers of a tier all of them are members.
 *
 * By rendezvous hashing: each client has an order of all servers of its own, by a hash of both ids, and takes the
 * first `size`. Nothing is agreed upon or remembered, and a client with the same id gets the same servers again.
 *
 * Why not another way? Clients do not know of each other, not even how many they are.
 *
 * - *Rounds of permutations* (Google's SRE book, chapter 20) and Finagle's *deterministic aperture* give each server the same
 *   number of clients, within one, as clients are numbered without gaps. We have no such numbers; and in the first, one
 *   server more changes nearly every subset.
 * - A *ring* (each client has a place and takes the next `size` servers) moves as little as this, but servers' arcs differ.
 * - Clients that decide apart can do no better than a draw: the clients of a server are binomially distributed, with a mean of
 *   m = clients x size / servers and a relative deviation of sqrt((1 - size / servers) / m). This reaches that bound.
 *
 * Connections per server, the most over the mean, median of 100 sets of ids (and the worst of them):
 *
 * | clients x servers | mean | rendezvous | ring | rounds of permutations, clients numbered |
 * |---|---|---|---|---|
 * | 50 x 100 | 10 | 1.80 (2.10) | 1.70 (2.30) | 1.00 |
 * | 50 x 200 | 5 | 2.20 (3.20) | 2.20 (3.00) | 1.00 |
 * | 300 x 21 | 286 | 1.02 (1.04) | 1.05 (1.05) | 1.02 (1.04) |
 * | 1,000 x 200 | 100 | 1.27 (1.38) | 1.56 (2.19) | 1.00 |
 *
 * Of 200 servers at 50 clients one has no client (at worst four). Who wants it more even raises `size`: the mean number of
 * clients per server is what counts.
 *
 * One server that comes or goes changes at most one member of each client: it takes the last one's place, or the next one
 * takes its. One that goes `down` keeps its place (it is dialled on), and the next one that is up stands in for it until it is
 * back: one more member, so that there are at most 2 x `size` of a tier. While servers are down, one that comes or goes may
 * change two members.
 *
 * A view of n servers costs one hash for each new id and a sort of n numbers: 0.2 ms for 1,000 servers, 3 ms for 10,000.
 */
export class Subset {
  readonly #place: (id: string) => number;
  readonly #size: number;
  /** Of the servers of the last view: a place costs a hash. */
  #places = new Map<string, number>();

  /**
   * @param clientId clients with different ids have different subsets
   * @param size default 20; 1..10,000, or Infinity: all
   * @throws RangeError if `size` is none of that
   */
  constructor(clientId: string, size = defaultSubset) {
    if (size !== Infinity && !(Number.isInteger(size) && size >= 1 && size <= 10_000))
      throw new RangeError(`subset is ${size}: expected a whole number in 1..10000, or Infinity`);
    this.#place = rendezvous(clientId);
    this.#size = size;
  }

  /** The ids of the members among these servers, whatever their order. */
  choose(nodes: readonly SubsetNode[]): Set<string> {
    const members = new Set<string>();
    if (nodes.length <= this.#size) {
      for (const { id } of nodes) members.add(id);
      return members;
    }
    const tiers = Map.groupBy(nodes, (node) => node.tier);
    const places = new Map<string, number>();
    for (const ofTier of tiers.values()) {
      for (const { id } of ofTier) places.set(id, this.#places.get(id) ?? this.#place(id));
      this.#take(ofTier, places, members);
    }
    this.#places = places;
    return members;
  }

  /** The first `size` of all; and of those that are up. */
  #take(nodes: readonly SubsetNode[], places: ReadonlyMap<string, number>, members: Set<string>): void {
    const up = nodes.filter((node) => !node.down);
    for (const { id } of this.#first(nodes, places)) members.add(id);
    if (up.length < nodes.length) for (const { id } of this.#first(up, places)) members.add(id);
  }

  #first(nodes: readonly SubsetNode[], places: ReadonlyMap<string, number>): readonly SubsetNode[] {
    if (nodes.length <= this.#size) return nodes;
    const sorted = Float64Array.from(nodes, ({ id }) => places.get(id)!).sort();
    const last = sorted[nodes.length - this.#size]!;
    return nodes.filter(({ id }) => places.get(id)! >= last);
  }
}
