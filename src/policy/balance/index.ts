import type { Random } from '../../core/random.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { type BalancerOptions, balancerOptions } from './options.ts';
import { P2cBalancer } from './p2c.ts';
import { RandomBalancer } from './random.ts';

export type { Balancer, Candidate } from './balancer.ts';
export { type BalancerOptions, balancerOptions } from './options.ts';

/** Balancers by name: `random` by weight; `p2c` the less busy of two drawn by weight, the default of clients. */
export type BalancerName = 'random' | 'p2c';

type Kind = new <T extends Candidate>(random: Random, options: BalancerOptions) => Balancer<T>;

const kinds: Readonly<Record<BalancerName, Kind>> = {
  random: RandomBalancer,
  p2c: P2cBalancer,
};

export const balancerNames = Object.keys(kinds) as readonly BalancerName[];

/** @throws RangeError for a name that no balancer has, or an option out of its range */
export function makeBalancer<T extends Candidate>(
  name: BalancerName,
  random: Random,
  options?: Partial<BalancerOptions>,
): Balancer<T> {
  if (!Object.hasOwn(kinds, name))
    throw new RangeError(`"${name}" is no balancer: expected one of ${balancerNames.join(', ')}`);
  return new kinds[name]<T>(random, balancerOptions(options));
}
