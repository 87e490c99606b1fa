import { expectRange } from '../range.ts';

/** What some balancers can be told. The others ignore it. */
export interface BalancerOptions {
  /**
   * `latency`: time after which a measured latency counts for 1/e of itself, ms. Default 10,000, as Finagle has it;
   * 100..600,000. Shorter follows faster and wavers more.
   */
  latencyDecay: number;
  /**
   * `latency`: what a fault counts as at least, ms. Default 5,000, the default deadline of a call; 1..600,000. A node that
   * fails at once would else look like the fastest of all.
   */
  faultLatency: number;
  /**
   * `hash`: how many times its fair share of the calls in flight a node may hold before calls go on to the next node of the
   * ring. Default 1.25; 1.01..100. Lower is more even, higher keeps more keys where they belong.
   */
  hashBound: number;
  /**
   * `hash`: points of a node on the ring. Default 100; 1..1,000. More points share the keys more evenly (the shares of
   * nodes differ by about 1/sqrt(points)) and cost as much more memory. All clients must use the same number.
   */
  hashPoints: number;
}

/** Fills in the defaults. Throws a RangeError that names what is wrong and what is allowed. */
export function balancerOptions(given: Partial<BalancerOptions> = {}): BalancerOptions {
  const options: BalancerOptions = {
    latencyDecay: given.latencyDecay ?? 10_000,
    faultLatency: given.faultLatency ?? 5_000,
    hashBound: given.hashBound ?? 1.25,
    hashPoints: given.hashPoints ?? 100,
  };
  for (const name of Object.keys(given))
    if (!Object.hasOwn(options, name))
      throw new RangeError(`"${name}" is no balancer option: expected some of ${Object.keys(options).join(', ')}`);
  expectRange('latencyDecay', options.latencyDecay, 100, 600_000);
  expectRange('faultLatency', options.faultLatency, 1, 600_000);
  expectRange('hashBound', options.hashBound, 1.01, 100);
  expectRange('hashPoints', options.hashPoints, 1, 1_000);
  if (!Number.isInteger(options.hashPoints))
    throw new RangeError(`hashPoints is ${options.hashPoints}: expected a whole number`);
  return options;
}
