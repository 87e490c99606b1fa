import type { Random } from '../../core/random.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { HashBalancer } from './hash.ts';
import { LatencyBalancer } from './latency.ts';
import { LeastRequestsBalancer } from './least-requests.ts';
import { LoadBalancer } from './load.ts';
import { type BalancerOptions, balancerOptions } from './options.ts';
import { P2cBalancer } from './p2c.ts';
import { RandomBalancer } from './random.ts';
import { RoundRobinBalancer } from './round-robin.ts';

export type { Balancer, Candidate } from './balancer.ts';
export { type BalancerOptions, balancerOptions } from './options.ts';

/**
 * Balancers by name, all by weight:
 * - `random`: as chance will have it.
 * - `p2c`: the less busy of two drawn, the default of clients.
 * - `round-robin`: one after the other.
 * - `least-requests`: the least busy of all.
 * - `latency`: of two drawn, the one that will answer sooner (peak EWMA).
 * - `load`: of two drawn, the less busy one as the servers report it.
 * - `hash`: calls of one key to one node, with a bound on what a node has in flight.
 */
export type BalancerName = 'random' | 'p2c' | 'round-robin' | 'least-requests' | 'latency' | 'load' | 'hash';

type Kind = new <T extends Candidate>(random: Random, options: BalancerOptions) => Balancer<T>;

const kinds: Readonly<Record<BalancerName, Kind>> = {
  random: RandomBalancer,
  p2c: P2cBalancer,
  'round-robin': RoundRobinBalancer,
  'least-requests': LeastRequestsBalancer,
  latency: LatencyBalancer,
  load: LoadBalancer,
  hash: HashBalancer,
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
