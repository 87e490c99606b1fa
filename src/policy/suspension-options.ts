import { expectRange } from './range.ts';

/** When a node goes to the failed list, and for how long. */
export interface SuspensionOptions {
  /** How far back faults and successes count, ms. Default 10,000; 1,000..600,000. */
  window: number;
  /** So many faults within the window suspend a node ... Default 5; 1..1,000,000. Fewer, and a jitter of the network would. */
  faults: number;
  /** ... if they are at least this share of its attempts. Default 0.5; 0..1. More than 1 cannot be: to turn suspension off, `off`. */
  share: number;
  /** The first suspension's length, ms; each further one is twice as long. Default 1,000; 10..600,000. +-20 %. */
  base: number;
  /** The longest suspension, ms. Default 30,000; `base`..3,600,000. */
  max: number;
  /** The longest suspension of a node whose heartbeats answer: it may be well again any moment, ms. Default 5,000; `base`..3,600,000. */
  maxAlive: number;
  /** True: no node is ever suspended; weights alone decide. Default false. */
  off: boolean;
}

/** Fills in the defaults. Throws a RangeError that names what is wrong and what is allowed. */
export function suspensionOptions(given: Partial<SuspensionOptions> = {}): SuspensionOptions {
  const base = given.base ?? 1_000;
  const options: SuspensionOptions = {
    window: given.window ?? 10_000,
    faults: given.faults ?? 5,
    share: given.share ?? 0.5,
    base,
    max: given.max ?? Math.max(30_000, base),
    maxAlive: given.maxAlive ?? Math.max(5_000, base),
    off: given.off ?? false,
  };
  expectRange('suspension.window', options.window, 1_000, 600_000);
  expectRange('suspension.faults', options.faults, 1, 1_000_000);
  expectRange('suspension.share', options.share, 0, 1);
  expectRange('suspension.base', base, 10, 600_000);
  expectRange('suspension.max', options.max, base, 3_600_000);
  expectRange('suspension.maxAlive', options.maxAlive, base, 3_600_000);
  return options;
}
