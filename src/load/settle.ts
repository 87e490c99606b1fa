import type { ClusterState, Deed, NodeState } from './cluster.ts';
import type { Step } from './scenario.ts';

/**
 * What is still missing until an event has settled, in words; undefined when nothing is. Settled means that callers see
 * exactly the wanted servers, all well: not merely that someone reports it.
 */
export function unsettled(step: Step, deed: Deed, state: ClusterState): string | undefined {
  const live = state.nodes.filter((node) => node.state === 'live');
  if (state.nodes.length === 0) return 'the gateway does not say which servers it sees';
  if (state.ready !== state.desired) return `${state.ready} of ${state.desired} servers are ready`;
  if (live.length !== state.desired) {
    const cause = state.nodes.find((node) => node.state !== 'live')?.cause;
    return `the gateway calls ${live.length} servers, ${state.desired} are wanted${cause ? ` (${cause})` : ''}`;
  }
  const stopping = state.servers.filter(({ phase }) => phase === 'stopping');
  if (stopping.length > 0) return `${list(stopping.map(({ name }) => name))} has not ended yet`;
  switch (step.do) {
    case 'zookeeper-away':
      return registered(state);
    case 'freeze':
      return weak(live.filter(({ server }) => server !== undefined && deed.servers.includes(server)));
    case 'scale':
    case 'rolling':
    case 'kill':
      // The registry may list the dead until their session ends. Callers do not depend on that, so neither does this.
      return undefined;
  }
}

function registered({ registered, desired }: ClusterState): string | undefined {
  if (registered === undefined) return 'the registry cannot be read';
  return registered === desired ? undefined : `the registry holds ${registered} servers, ${desired} are wanted`;
}

function weak(nodes: readonly NodeState[]): string | undefined {
  const weak = nodes.filter(({ weight, base }) => weight < base);
  if (weak.length === 0) return undefined;
  return `${list(weak.map(({ server, weight, base }) => `${server} has weight ${weight} of ${base}`))}`;
}

function list(words: readonly string[]): string {
  return words.join(', ');
}

/** About how long the event takes until it has settled, ms: for the remaining time on the screen, nothing else. */
export function usualTime(step: Step): number {
  switch (step.do) {
    case 'scale':
    case 'kill':
      return 5000;
    case 'rolling':
      return 30_000;
    case 'freeze':
      return step.for + 6000;
    case 'zookeeper-away':
      return step.for + 3000;
  }
}
