import type { TierCause, TierChange, TierHealth } from './tiers-change.ts';
import type { TierOptions } from './tiers-options.ts';

/** What is counted of a tier. Kept up to date by whoever has its nodes. */
export interface TierState {
  /** 0 is used first. */
  readonly rank: number;
  known: number;
  connected: number;
  /** Connected and healthy. */
  healthy: number;
  /** Since when its share has been seen to be at least `handBack`, ms. Set and cleared by `ActiveTier`. */
  wellSince: number | undefined;
}

/**
 * Which of several tiers has the calls: the *active* one.
 *
 * - The first tier that is healthy enough: its healthy share (healthy / known) is at least `takeOver`. If none is, the healthiest.
 *   One without a connection never has the calls while another has one.
 * - They leave the active tier at once when it is no longer healthy enough and another is healthier. They come back to a better
 *   tier only when that has been well (`handBack`) for some time (`handBackAfter`), so that a primary that comes and goes costs
 *   one change and not one each time; or at once when the active one is not healthy enough itself.
 * - In the first `handBackAfter` ms they go to a better tier as soon as it is healthy enough: which connection comes first is chance.
 *
 * What that means for small tiers with the defaults:
 *
 * | nodes known | loses the calls when as few are healthy | has them back when as many are |
 * |---|---|---|
 * | 1 | 0 | 1 |
 * | 2 | 0 | 2 |
 * | 3 | 1 | 2 |
 * | 4 | 1 | 3 |
 * | 10 | 4 | 7 |
 */
export class ActiveTier<S extends TierState> implements Iterable<S> {
  readonly #options: TierOptions;
  readonly #onChange: (change: TierChange) => void;
  /** By rank. */
  readonly #tiers: S[] = [];
  #active: S | undefined;
  /** When the start is over, ms. */
  #settlesAt: number | undefined;
  #settled = false;

  /** @param onChange is told of each change, after it */
  constructor(options: TierOptions, onChange: (change: TierChange) => void = () => {}) {
    this.#options = options;
    this.#onChange = onChange;
  }

  /** Undefined before the first connection. */
  get active(): S | undefined {
    return this.#active;
  }

  [Symbol.iterator](): Iterator<S> {
    return this.#tiers.values();
  }

  get(rank: number): S | undefined {
    return this.#tiers.find((tier) => tier.rank === rank);
  }

  /** Adds a tier that is not here yet. */
  add(tier: S): S {
    this.#tiers.push(tier);
    this.#tiers.sort((a, b) => a.rank - b.rank);
    return tier;
  }

  show(): TierHealth[] {
    return this.#tiers.map(healthOf);
  }

  /** To be called when a count changed. Costs a look at each tier. */
  decide(): void {
    for (const tier of this.#tiers) if (!this.#isWell(tier)) tier.wellSince = undefined;
    const to = this.#choose();
    if (to === undefined || to === this.#active) return;
    const left = this.#active !== undefined && !this.#isEnough(this.#active);
    this.#activate(to, left ? 'take-over' : 'start');
  }

  /** Hands back what time allows. */
  advance(now: number): void {
    const active = this.#active;
    if (active === undefined) return;
    const { handBackAfter } = this.#options;
    this.#settlesAt ??= now + handBackAfter;
    if (now >= this.#settlesAt) this.#settled = true;
    for (const tier of this.#tiers) {
      if (tier === active) return;
      if (!this.#isWell(tier)) continue;
      tier.wellSince ??= now;
      if (now - tier.wellSince >= handBackAfter) return this.#activate(tier, 'hand-back');
    }
  }

  /** Who has the calls now, if it were not for the time that a hand-back takes. */
  #choose(): S | undefined {
    const active = this.#active;
    const first = this.#tiers.find((tier) => this.#isEnough(tier));
    if (active !== undefined && this.#isEnough(active)) return this.#settled ? active : first;
    if (first !== undefined) return first;
    let best = active !== undefined && active.connected > 0 ? active : undefined;
    for (const tier of this.#tiers)
      if (tier.connected > 0 && (best === undefined || shareOf(tier) > shareOf(best))) best = tier;
    return best ?? active;
  }

  #activate(to: S, cause: TierCause): void {
    const from = this.#active;
    this.#active = to;
    this.#onChange({ cause, from: from && healthOf(from), to: healthOf(to) });
  }

  #isEnough(tier: S): boolean {
    return tier.connected > 0 && shareOf(tier) >= this.#options.takeOver;
  }

  #isWell(tier: S): boolean {
    return tier.connected > 0 && shareOf(tier) >= this.#options.handBack;
  }
}

function shareOf({ known, healthy }: TierState): number {
  return known === 0 ? 0 : healthy / known;
}

function healthOf({ rank, known, connected, healthy }: TierState): TierHealth {
  return { tier: rank, known, connected, healthy };
}
