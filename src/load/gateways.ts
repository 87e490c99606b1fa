import type { ClusterState, NodeState } from './cluster.ts';

/**
 * The servers as the gateways see them together: of each server the view of the gateway that thinks worst of it, with the
 * calls in flight of all. Callers are spread over all gateways, so the worst view is what some of them feel.
 */
export function commonView(state: Pick<ClusterState, 'gateways'>): NodeState[] {
  const [first, ...others] = state.gateways.filter(({ phase }) => phase !== 'stopping').map(({ nodes }) => nodes);
  if (first === undefined) return [];
  if (others.length === 0) return [...first];
  const worst = new Map<string, NodeState>();
  for (const node of [first, ...others].flat()) {
    const known = worst.get(node.id);
    if (known === undefined) worst.set(node.id, node);
    else {
      const chosen = goodness(node) < goodness(known) ? node : known;
      worst.set(node.id, { ...chosen, inFlight: known.inFlight + node.inFlight });
    }
  }
  return [...worst.values()];
}

/** A gateway that does not call a node thinks less of it than one that does, however little weight it has there. */
function goodness({ state, weight }: NodeState): number {
  return state === 'live' ? weight : 0;
}
