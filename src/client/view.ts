import { isoTime } from '../core/clock.ts';
import { address } from '../core/endpoint.ts';
import type { RetryBudget } from '../policy/budget.ts';
import type { HoldReason } from '../policy/fleet.ts';
import type { NodeSettings, Settings } from '../policy/settings.ts';
import type { ChangeCause, WeightChange } from '../policy/weight-change.ts';
import type { Node, NodeState } from './node.ts';
import type { Nodes } from './nodes.ts';

/** What `/nodes`, `evenkeel nodes` and `client.nodes()` show, version 1. It holds no secret. Times are ISO 8601. */
export interface NodesView {
  version: 1;
  /** When this was true. */
  time: string;
  service: string | null;
  /** `cause`: why it cannot be read, while it cannot. */
  registry: { state: RegistryWord; since: string; cause: string | null };
  /** Retries that would be granted now. */
  budget: number | null;
  /** Which servers have the calls: 0 preferred primaries, 1 other primaries, 2 and 3 backups. `null` before the first connection. */
  tier: number | null;
  /** True while every node looks bad, so that picks are even among all. */
  panic: boolean;
  nodes: NodeView[];
}

export const registryWords = ['known', 'pending', 'failed', 'stale'] as const;
export type RegistryWord = (typeof registryWords)[number];

export interface NodeView {
  id: string;
  addr: string;
  /** Announced weight. */
  base: number;
  /** Effective weight. */
  weight: number;
  /** Part of the traffic that is meant for it now, 0..1: by weight among those of the tier that has the calls. */
  share: number;
  state: NodeState;
  /** As the client's own `tier`. */
  tier: number;
  inFlight: number;
  /** Why the weight last changed, or why there is no connection. */
  lastCause: string | null;
  /** The last change of its weight. */
  lastChange: ChangeView | null;
  /** The last change that a fault made: what is wrong with it, or was. */
  lastFault: ChangeView | null;
  /** Why its weight does not rise now: `health` failed, or by its own `load` it has too much to do. Mostly empty. */
  held: readonly HoldReason[];
  /** Until when it gets no calls because it asked to be spared, while there are others. */
  sparedUntil: string | null;
  /** True while it has answered nothing for so many attempts that others are asked first. */
  stalled: boolean;
  /** What the live settings say of it, `null` if nothing. */
  settings: NodeSettings | null;
  /** When the weight rises on its own; of a suspended node when it is probed; without a connection when it is dialled. */
  nextProbe: string | null;
}

/** One change of a weight. */
export interface ChangeView {
  cause: ChangeCause;
  /** The attempt or check that showed it, in a sentence; `null` where none did. */
  attempt: string | null;
  at: string;
  from: number;
  to: number;
}

export function view(
  nodes: Nodes,
  service: string | undefined,
  budget: RetryBudget,
  settings: Settings,
  now: number,
  wallTime: number,
): NodesView {
  const { fleet } = nodes;
  const rows = new Map(fleet.weights.show(now).map((row) => [row.id, row]));
  const all = [...nodes];
  const shareOf = shares(nodes, all);
  const iso = (instant: number | undefined) => (instant === undefined ? null : isoTime(wallTime + instant - now));
  const changed = (change: WeightChange | undefined): ChangeView | null => {
    if (change === undefined) return null;
    const { cause, attempt = null, at, from, to } = change;
    return { cause, attempt, at: iso(at)!, from: round(from), to: round(to) };
  };
  return {
    version: 1,
    time: isoTime(wallTime),
    service: service ?? null,
    registry: {
      state: nodes.registry.state,
      since: isoTime(nodes.registry.since),
      cause: nodes.registry.cause ?? null,
    },
    budget: budget.balance(now),
    tier: fleet.activeTier ?? null,
    panic: fleet.panicking,
    nodes: all.map((node) => {
      const row = rows.get(node.id);
      const lastChange = changed(row?.lastChange);
      const { held, sparedUntil, stands } = fleet.restraints(node, now);
      return {
        id: node.id,
        addr: address(node.endpoint),
        base: node.endpoint.weight,
        weight: round(node.weight),
        share: round(shareOf(node)),
        state: fleet.suspended(node) && node.live ? 'suspended' : node.state,
        tier: node.tier,
        inFlight: node.inFlight,
        lastCause: (node.live ? undefined : node.links.lastError?.message) ?? lastChange?.cause ?? null,
        lastChange,
        lastFault: changed(node.lastFault),
        held,
        sparedUntil: iso(sparedUntil),
        stalled: stands,
        settings: settings.nodes.get(node.id) ?? null,
        nextProbe: iso(nextProbe(nodes, node, held.length > 0 ? undefined : row?.nextRise, now)),
      };
    }),
  };
}

/** Which part of the traffic is meant for each node. */
function shares({ fleet }: Nodes, all: readonly Node[]): (node: Node) => number {
  // Then weights do not count, nor tiers.
  if (fleet.panicking) return (node) => (fleet.has(node) ? 1 / fleet.size : 0);
  const active = (node: Node) => fleet.has(node) && node.tier === fleet.activeTier;
  const sum = all.reduce((total, node) => total + (active(node) ? node.weight : 0), 0);
  return (node) => (active(node) ? node.weight / sum : 0);
}

/** When something is next done for the node: it is probed, dialled, or its weight rises (in `nextRise` ms). */
function nextProbe(nodes: Nodes, node: Node, nextRise: number | undefined, now: number): number | undefined {
  const { nextDial, alive } = node.links;
  // While there is no connection its weight stands still.
  if (!node.live) return nextDial === undefined ? undefined : Math.max(now, nextDial);
  const probed = nodes.fleet.probedAt(node, alive);
  if (probed !== undefined) return Math.max(now, probed);
  return nextRise === undefined ? undefined : now + nextRise;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
