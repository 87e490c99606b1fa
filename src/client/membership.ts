import type { Endpoint } from '../core/endpoint.ts';
import { Subset } from '../policy/subset.ts';
import { rankTiers, type TierPreference } from '../policy/tier-rank.ts';

export interface MembershipOptions {
  clientId: string;
  subset: number;
  prefer: TierPreference;
  zoneOverload: number;
}

/** Which of the servers that the registry lists a client connects to, and which of those it would rather use. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #subset: Subset;
  #listed: ReadonlyMap<string, Endpoint> = new Map();
  #tiers: ReadonlyMap<string, number> = new Map();
  #members: ReadonlySet<string> = new Set();

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#subset = new Subset(options.clientId, options.subset);
  }

  get listed(): ReadonlyMap<string, Endpoint> {
    return this.#listed;
  }

  /** The servers to connect to. */
  get members(): ReadonlySet<string> {
    return this.#members;
  }

  /** True if not all that are listed are members. */
  get partial(): boolean {
    return this.#members.size < this.#listed.size;
  }

  tier(id: string): number {
    return this.#tiers.get(id) ?? 0;
  }

  /** The registry lists these now. @param down true for a server that has not answered for some time */
  list(endpoints: readonly Endpoint[], down: (id: string) => boolean): void {
    const { prefer, clientId, zoneOverload } = this.#options;
    this.#listed = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    this.#tiers = rankTiers([...this.#listed.values()], prefer, clientId, zoneOverload);
    this.choose(down);
  }

  /** Other servers are down now. */
  choose(down: (id: string) => boolean): void {
    const nodes = Array.from(this.#listed.keys(), (id) => ({ id, tier: this.tier(id), down: down(id) }));
    this.#members = this.#subset.choose(nodes);
  }
}
