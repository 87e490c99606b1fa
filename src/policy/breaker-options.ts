import { expectRange } from './range.ts';

/** When calls of a method are no longer made, and for how long. */
export interface BreakerOptions {
  /**
   * So many failures, one after the other, with no answer in between, open the circuit. Default 5; 1..1,000,000. For methods
   * with few calls. Three may be three restarts in a row; after five a caller has waited long enough.
   */
  consecutive: number;
  /**
   * This share of the calls within the window, if they failed, opens the circuit. Default 0.5; 0.01..1. For methods with
   * many calls. While the circuit is open the good part is lost as well: below a half that costs more than it saves.
   */
  rate: number;
  /** With fewer calls in the window than this the rate says nothing. Default 10; 1..1,000,000. */
  calls: number;
  /** How far back calls count for the rate, ms. Default 10,000; 1,000..600,000. */
  window: number;
  /** How long a circuit is open before one call is made as a trial, ms. Default 1,000; 10..600,000. Twice as long after each trial that fails. */
  open: number;
  /**
   * The longest that a circuit is open without a trial, ms. Default 5,000; `open`..3,600,000. A trial costs one call; waiting for
   * the next one costs all the calls that are made after the service is back.
   */
  longestOpen: number;
}

/** Fills in the defaults. Throws a RangeError that names what is wrong and what is allowed. */
export function breakerOptions(given: Partial<BreakerOptions> = {}): BreakerOptions {
  const open = given.open ?? 1_000;
  const options: BreakerOptions = {
    consecutive: given.consecutive ?? 5,
    rate: given.rate ?? 0.5,
    calls: given.calls ?? 10,
    window: given.window ?? 10_000,
    open,
    longestOpen: given.longestOpen ?? Math.max(5_000, open),
  };
  expectRange('breaker.consecutive', options.consecutive, 1, 1_000_000);
  expectRange('breaker.rate', options.rate, 0.01, 1);
  expectRange('breaker.calls', options.calls, 1, 1_000_000);
  expectRange('breaker.window', options.window, 1_000, 600_000);
  expectRange('breaker.open', open, 10, 600_000);
  expectRange('breaker.longestOpen', options.longestOpen, open, 3_600_000);
  return options;
}
