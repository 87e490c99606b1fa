import { expectRange } from './range.ts';

/** When the calls go over from one tier to the next, and back. */
export interface TierOptions {
  /**
   * The calls leave a tier when its healthy share falls below this. Default 0.5; 0..1. 0 keeps them while the tier has a
   * connection at all, 1 leaves it for one node that is not well.
   */
  takeOver: number;
  /**
   * The healthy share from which a better tier may have the calls back. Default 2/3, or `takeOver` if that is higher;
   * `takeOver`..1. Above `takeOver`, so that one node that comes and goes does not move all calls with it.
   */
  handBack: number;
  /**
   * How long a better tier must have had that share, ms. Default 5,000, the time of a newcomer's slow start; 0..3,600,000.
   * Servers that just came back have cold caches and are not all there yet.
   */
  handBackAfter: number;
}

/** Fills in the defaults. Throws a RangeError that names what is wrong and what is allowed. */
export function tierOptions(given: Partial<TierOptions> = {}): TierOptions {
  const takeOver = given.takeOver ?? 0.5;
  expectRange('tiers.takeOver', takeOver, 0, 1);
  const options: TierOptions = {
    takeOver,
    handBack: given.handBack ?? Math.max(2 / 3, takeOver),
    handBackAfter: given.handBackAfter ?? 5_000,
  };
  for (const name of Object.keys(given))
    if (!Object.hasOwn(options, name))
      throw new RangeError(`"${name}" is no option of tiers: expected some of ${Object.keys(options).join(', ')}`);
  expectRange('tiers.handBack', options.handBack, takeOver, 1);
  expectRange('tiers.handBackAfter', options.handBackAfter, 0, 3_600_000);
  return options;
}
