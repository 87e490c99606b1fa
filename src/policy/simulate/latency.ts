import type { Random } from '../../core/random.ts';

/** How long a server works on a call, ms. */
export type Latency =
  | { readonly kind: 'constant'; readonly ms: number }
  | { readonly kind: 'exponential'; readonly mean: number }
  /** `sigma`: of the logarithm. With 0.5 one call in a hundred takes 3.2 times the median, with 1 ten times. */
  | { readonly kind: 'lognormal'; readonly median: number; readonly sigma: number };

export function drawLatency(latency: Latency, random: Random): number {
  switch (latency.kind) {
    case 'constant':
      return latency.ms;
    case 'exponential':
      return latency.mean * exponential(random);
    case 'lognormal':
      return latency.median * Math.exp(latency.sigma * normal(random));
  }
}

/** Of mean 1: also the pause between two calls of a Poisson process. */
export function exponential(random: Random): number {
  return -Math.log(1 - random());
}

/** Box and Muller, of whose two numbers one is enough. */
function normal(random: Random): number {
  return Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random());
}
