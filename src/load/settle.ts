import type { ClusterState, Deed, NodeState } from './cluster.ts';
import { commonView } from './gateways.ts';
import type { Step } from './scenario.ts';

/**
 * What is still missing until an event has settled, in words; undefined when nothing is. Settled means that callers see
 * exactly the wanted servers, all well: not merely that someone reports it.
 */
export function unsettled(step: Step, deed: Deed, state: ClusterState): string | undefined {
  if (step.do === 'hpa' && state.desired !== step.to) {
    return `${state.desired} servers are wanted, the autoscaler is to want ${step.to}`;
  }
  return seenByGateways(state) ?? components(state) ?? ofStep(step, deed, state);
}

/** Each gateway must be there and call the wanted servers: callers come to any of them. */
function seenByGateways({ gateways, desiredGateways, desired, ready }: ClusterState): string | undefined {
  const there = gateways.filter(({ phase }) => phase === 'ready');
  const silent = there.find(({ nodes }) => nodes.length === 0);
  if (silent !== undefined && desired > 0) return `${silent.name} does not say which servers it sees`;
  if (there.length !== desiredGateways) return `${there.length} of ${desiredGateways} gateways are ready`;
  if (ready !== desired) return `${ready} of ${desired} servers are ready`;
  for (const { name, nodes } of there) {
    const live = liveOf(nodes).length;
    if (live === desired) continue;
    const cause = nodes.find((node) => node.state !== 'live')?.cause;
    return `${name} calls ${live} servers, ${desired} are wanted${cause ? ` (${cause})` : ''}`;
  }
  return undefined;
}

function components({ servers, gateways, zookeeper }: ClusterState): string | undefined {
  const stopping = [...servers, ...gateways].filter(({ phase }) => phase === 'stopping');
  if (stopping.length > 0) return `${list(stopping.map(({ name }) => name))} has not ended yet`;
  if (zookeeper !== undefined && zookeeper.ready !== zookeeper.desired) {
    return `${zookeeper.ready} of ${zookeeper.desired} members of ZooKeeper are ready`;
  }
  return undefined;
}

function ofStep(step: Step, deed: Deed, state: ClusterState): string | undefined {
  switch (step.do) {
    case 'zookeeper-away':
    case 'zookeeper-leader':
    case 'zookeeper-all':
      return registered(state);
    case 'freeze':
      return weak(liveOf(commonView(state)).filter(({ server = '' }) => deed.servers.includes(server)));
    case 'drain':
      return stillOn(deed.machine, state);
    case 'scale':
    case 'rolling':
    case 'kill':
    case 'gateway':
    case 'hpa':
    case 'baseline':
      // The registry may list the dead until their session ends. Callers do not depend on that, so neither does this.
      return undefined;
  }
}

function liveOf(nodes: readonly NodeState[]): NodeState[] {
  return nodes.filter(({ state }) => state === 'live');
}

function stillOn(machine: string | undefined, { servers }: ClusterState): string | undefined {
  const left = servers.filter((server) => server.phase !== 'gone' && server.machine === machine);
  if (machine === undefined || left.length === 0) return undefined;
  return `${list(left.map(({ name }) => name))} is still on ${machine}`;
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

/** About how long such events take one after the other, ms: for the remaining time on the screen, and to guess the calls. */
export function usualLength(events: readonly Step[]): number {
  return events.reduce((sum, step) => sum + step.at + usualTime(step), 0);
}

/** About how long the event takes until it has settled, ms. */
export function usualTime(step: Step): number {
  switch (step.do) {
    case 'scale':
      return step.pace.how === 'gradual' ? 5000 + step.pace.every : 5000;
    case 'kill':
      return 5000;
    case 'rolling':
    case 'drain':
    case 'gateway':
    case 'zookeeper-leader':
    case 'zookeeper-all':
      return 30_000;
    case 'hpa':
      return 60_000;
    case 'baseline':
      return step.for;
    case 'freeze':
      return step.for + 6000;
    case 'zookeeper-away':
      return step.for + 3000;
  }
}
