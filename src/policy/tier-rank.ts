import { expectRange } from './range.ts';
import { rendezvous } from './rendezvous.ts';

/** What a server says of where it belongs. An `Endpoint` is one. */
export interface TierFacts {
  readonly backup?: boolean | undefined;
  readonly zone?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** Which servers a client would rather use. */
export interface TierPreference {
  /** Servers of this zone. Default: of any. */
  readonly zone?: string | undefined;
  /** Servers that have all of these tags. Default: with any tags or none. */
  readonly tags?: readonly string[] | undefined;
}

/**
 * The tier of one server, by what it says of itself and what the client prefers. Without a preference every server matches.
 *
 * | tier | servers |
 * |---|---|
 * | 0 | primaries that match |
 * | 1 | other primaries |
 * | 2 | backups that match |
 * | 3 | other backups |
 *
 * A backup that matches comes after a primary that does not: a primary far away serves now, a backup near by may have to
 * warm up, or be smaller, or cost more. Two active groups, each the other's reserve, are two groups of clients that prefer a
 * tag each: `{ tags: ['blue'] }` and `{ tags: ['green'] }`.
 */
export function tierOf(facts: TierFacts, preference: TierPreference = {}): number {
  const near = preference.zone === undefined || preference.zone === facts.zone;
  return rank(facts, near && hasTags(facts, preference));
}

/** A server in a view. */
export interface TierNode extends TierFacts {
  readonly id: string;
  /** Announced weight, above 0. */
  readonly weight: number;
}

export const defaultZoneOverload = 1.2;

/**
 * The tiers of all servers of a view, by `tierOf`, except that a zone too small for its clients is made up for.
 *
 * A zone with one server of thirty would by `tierOf` alone take the calls of all its clients, say a third of all: ten times
 * what any other server takes. The tiers' own rule would end that only when the server is no longer healthy, and bring it back
 * when it is. Therefore the *share rule*: it is assumed that of all calls as many come from each zone that has servers. So with
 * Z zones and a total weight W the servers that a client prefers must weigh at least W / (Z x `overload`) together. What
 * the client's own zone lacks of that, servers of other zones stand in for: of those zones only that have more than their
 * part W / Z, in proportion to what they have more, and other servers for each client. So by its own zone's calls
 * no server gets over `overload` times what it would get without zones, and what stands in is spare.
 *
 * Where the assumption does not hold (all clients in one zone), the calls per weight of the zone are at most Z times as many;
 * then only the healthy share moves them. Tags are no matter of the share rule: whoever names a group means it. Primaries and
 * backups are looked at apart, and only servers that have the tags. A zone without any server is no preference.
 *
 * @param clientId stand-ins differ by it
 * @param overload default 1.2, as Kubernetes has it for its topology hints; 1..100, or Infinity: no stand-ins
 * @throws RangeError if `overload` is none of that
 */
export function rankTiers(
  nodes: readonly TierNode[],
  preference: TierPreference,
  clientId: string,
  overload = defaultZoneOverload,
): Map<string, number> {
  if (overload !== Infinity) expectRange('zoneOverload', overload, 1, 100);
  const tiers = new Map<string, number>();
  for (const node of nodes) tiers.set(node.id, tierOf(node, preference));
  const { zone } = preference;
  if (zone === undefined) return tiers;
  for (const backup of [false, true]) {
    const pool = nodes.filter((node) => (node.backup ?? false) === backup && hasTags(node, preference));
    for (const node of standIns(pool, zone, clientId, overload)) tiers.set(node.id, rank(node, true));
  }
  return tiers;
}

/** Nodes of other zones that a client of this zone uses like its own. */
function standIns(pool: readonly TierNode[], zone: string, clientId: string, overload: number): readonly TierNode[] {
  const zones = new Map<string | undefined, number>();
  let total = 0;
  for (const node of pool) {
    zones.set(node.zone, (zones.get(node.zone) ?? 0) + node.weight);
    total += node.weight;
  }
  const own = zones.get(zone);
  if (own === undefined) return pool;
  const part = total / (zones.size - Number(zones.has(undefined)));
  let missing = part / overload - own;
  if (missing <= 0) return [];
  // Weighted rendezvous: a node is taken in proportion to its part in what its zone has more.
  const place = rendezvous(clientId);
  const spare: { node: TierNode; score: number }[] = [];
  for (const node of pool) {
    const weight = zones.get(node.zone)!;
    // No client is in no zone.
    const more = node.zone === undefined ? weight : weight - part;
    if (more > 0) spare.push({ node, score: (node.weight * more) / weight / -Math.log(place(node.id)) });
  }
  spare.sort((a, b) => b.score - a.score);
  const chosen: TierNode[] = [];
  for (const { node } of spare) {
    if (missing <= 0) break;
    missing -= node.weight;
    chosen.push(node);
  }
  return chosen;
}

function rank({ backup }: TierFacts, matches: boolean): number {
  return (backup ? 2 : 0) + (matches ? 0 : 1);
}

function hasTags({ tags = [] }: TierFacts, preference: TierPreference): boolean {
  return preference.tags === undefined || preference.tags.every((tag) => tags.includes(tag));
}
