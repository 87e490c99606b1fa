import { isoTime } from '../core/clock.ts';
import { address } from '../core/endpoint.ts';
import type { RetryBudget } from '../policy/budget.ts';
import type { NodeSettings, Settings } from '../policy/settings.ts';
import type { Node, NodeState } from './node.ts';
import type { Nodes } from './nodes.ts';

/** What `/nodes`, `evenkeel nodes` and `client.nodes()` show, version 1. It holds no secret. */
export interface NodesView {
  version: 1;
  service: string | null;
  registry: { state: 'known' | 'pending' | 'failed' | 'stale'; since: string };
  /** Retries that would be granted now. */
  budget: number | null;
  nodes: NodeView[];
}

export interface NodeView {
  id: string;
  addr: string;
  /** Announced weight. */
  base: number;
  /** Effective weight. */
  weight: number;
  /** Part of the traffic that the weight stands for, 0..1. */
  share: number;
  state: NodeState;
  inFlight: number;
  /** Why the weight last changed, or why there is no connection. */
  lastCause: string | null;
  /** What the live settings say of it, `null` if nothing. */
  settings: NodeSettings | null;
  /** When the weight rises on its own; of a suspended node when it is probed; without a connection when it is dialled. ISO time. */
  nextProbe: string | null;
}

export function view(
  nodes: Nodes,
  service: string | undefined,
  budget: RetryBudget,
  settings: Settings,
  now: number,
  wallTime: number,
): NodesView {
  const rows = new Map(nodes.fleet.weights.show(now).map((row) => [row.id, row]));
  const all = [...nodes];
  const sum = all.reduce((total, node) => total + (nodes.fleet.has(node) ? node.weight : 0), 0);
  return {
    version: 1,
    service: service ?? null,
    registry: { state: nodes.registry.state, since: isoTime(nodes.registry.since) },
    budget: budget.balance(now),
    nodes: all.map((node) => {
      const row = rows.get(node.id);
      const until = nextProbe(nodes, node, row?.nextRise, now);
      return {
        id: node.id,
        addr: address(node.endpoint),
        base: node.endpoint.weight,
        weight: round(node.weight),
        share: nodes.fleet.has(node) && sum > 0 ? round(node.weight / sum) : 0,
        state: nodes.fleet.suspended(node) && node.live ? 'suspended' : node.state,
        inFlight: node.inFlight,
        lastCause: node.live
          ? (row?.lastChange.cause ?? null)
          : (node.links.lastError?.message ?? row?.lastChange.cause ?? null),
        settings: settings.nodes.get(node.id) ?? null,
        nextProbe: until === undefined ? null : isoTime(wallTime + until),
      };
    }),
  };
}

/** Time until something is next done for the node, ms: it is probed, dialled, or its weight rises. */
function nextProbe(nodes: Nodes, node: Node, nextRise: number | undefined, now: number): number | undefined {
  const { nextDial, alive } = node.links;
  // While there is no connection its weight stands still.
  if (!node.live) return nextDial === undefined ? undefined : Math.max(0, nextDial - now);
  const probed = nodes.fleet.probedAt(node, alive);
  return probed === undefined ? nextRise : Math.max(0, probed - now);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
