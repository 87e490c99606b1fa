import type { Random } from '../core/random.ts';

export interface BackoffOptions {
  /** The shortest wait, ms. Default 50. */
  base: number;
  /** The longest wait, ms. Default 2,000. */
  max: number;
}

const defaults: BackoffOptions = { base: 50, max: 2_000 };

/**
 * How long to wait after so many failures in a row, ms: evenly spread from `base` to `base` x 2^failures, at most `max`.
 * The whole range is used, so that many clients which lost the same server do not come back in step.
 */
export function backoff(failures: number, options: BackoffOptions = defaults, random: Random): number {
  const { base, max } = options;
  const ceiling = Math.min(max, base * 2 ** failures);
  return Math.min(base, ceiling) + random() * Math.max(0, ceiling - base);
}
