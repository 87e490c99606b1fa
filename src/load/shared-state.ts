import type { ClusterState } from './cluster.ts';

/**
 * The state, with the objects of the one before in it where they say the same: ten a second are kept, and most servers, above all
 * those that are gone, say what they said before.
 */
export function sharing(state: ClusterState, before: ClusterState | undefined): ClusterState {
  if (before === undefined) return state;
  return {
    ...state,
    servers: shareAll(state.servers, before.servers),
    gateways: shareAll(
      state.gateways.map((gateway, place) => ({
        ...gateway,
        nodes: shareAll(gateway.nodes, before.gateways[place]?.nodes ?? []),
      })),
      before.gateways,
    ),
  };
}

function shareAll<T extends object>(now: readonly T[], before: readonly T[]): readonly T[] {
  const shared = now.map((one, place) => (isSame(one, before[place]) ? before[place]! : one));
  return shared.length === before.length && shared.every((one, place) => one === before[place]) ? before : shared;
}

/** Whether their properties are the same values. */
function isSame<T extends object>(one: T, other: T | undefined): boolean {
  if (other === undefined) return false;
  const entries = Object.entries(one);
  return (
    entries.length === Object.keys(other).length &&
    entries.every(([key, value]) => Object.is(value, (other as Record<string, unknown>)[key]))
  );
}
