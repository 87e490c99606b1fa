import type { Endpoint } from '../core/endpoint.ts';
import type { Member } from '../policy/fleet.ts';
import type { WeightChange } from '../policy/weight-change.ts';
import type { Hello } from '../wire/hello.ts';
import type { LinksEvents, NodeLinks } from './node-links.ts';

export const nodeStates = ['live', 'connecting', 'draining', 'suspended', 'stale'] as const;
export type NodeState = (typeof nodeStates)[number];

/** A server as the client sees it: its endpoint, its connections, and what the balancer must know of it. */
export class Node implements Member {
  readonly id: string;
  endpoint: Endpoint;
  /** Kept by the fleet. */
  weight = 0;
  healthy = true;
  /** Which servers are rather used: 0 first. Kept by `nodes.ts`. */
  tier = 0;
  /** The last fault that lowered its weight. */
  lastFault: WeightChange | undefined;
  /** True while every connection owes a sign of life, as last seen. */
  silent = false;
  /** What it says of how busy it is, and when it said so. Kept by `load-watch.ts`. */
  reported: number | undefined;
  loadAt = Number.NEGATIVE_INFINITY;
  /** When a report of it was last a fault. */
  overloadedAt = Number.NEGATIVE_INFINITY;
  /** Since when it has had no connection (on the clock, ms). */
  downSince: number | undefined;
  /** Since when the registry does not list it any more (on the clock, ms). */
  unlistedSince: number | undefined;
  readonly links: NodeLinks;

  constructor(endpoint: Endpoint, links: (node: Node) => NodeLinks) {
    this.id = endpoint.id;
    this.endpoint = endpoint;
    this.links = links(this);
  }

  /** True if this is how `endpoint` would be reached too. A server once seen to speak framed is spoken to so for ever. */
  isReachedBy(endpoint: Endpoint): boolean {
    const { host, port, protocol } = this.links.endpoint;
    const speaks = protocol === endpoint.protocol || (protocol === 'framed' && this.links.reached);
    return host === endpoint.host && port === endpoint.port && speaks;
  }

  get inFlight(): number {
    return this.links.inFlight;
  }

  get live(): boolean {
    return this.links.live;
  }

  get state(): NodeState {
    if (this.live) return 'live';
    if (this.links.draining) return 'draining';
    return this.links.lastError?.reason === 'STALE' ? 'stale' : 'connecting';
  }

  /** What the server said of itself, if it speaks evenkeel's protocol. */
  get hello(): Hello | undefined {
    return this.links.hello;
  }
}

/** Makes the ways to a node. */
export type MakeLinks = (endpoint: Endpoint, events: LinksEvents) => NodeLinks;
