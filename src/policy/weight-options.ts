import { type FaultCause, faultCauses } from './outcome.ts';
import { expectRange } from './range.ts';

/** How weights fall and come back. */
export interface WeightOptions {
  /**
   * The lowest factor, as a share of the base weight. Default 1/1024; 1/65536..1. Above zero, so that a node always gets
   * a little traffic by which it can show that it is well; 1 turns the lowering off.
   */
  floor: number;
  /**
   * What one fault of a cause multiplies the factor by. Default 0.5 for each; 0..1. 0 goes to the floor at once, 1 ignores
   * the cause. A slower decay costs more retries, a faster one makes traffic jump with every jitter.
   */
  decay: Partial<Record<FaultCause, number>>;
  /**
   * What one success multiplies the factor by, or `restore` for all at once. Default 2; `restore`, 2, 4 or 8.
   */
  recovery: 'restore' | 2 | 4 | 8;
  /**
   * Time after which the factor doubles on its own while heartbeats answer and no fault came, ms, +-20 %. Default 500;
   * 10..600,000. With little traffic a node at the floor would else wait minutes for its first success.
   */
  recoveryInterval: number;
  /** Time in which a newcomer rises to its full weight, ms. Default 5,000; 0..3,600,000. 0 turns slow start off. */
  slowStart: number;
  /** The share of its weight that a newcomer begins with. Default 1/8; 1/1024..1. */
  slowStartFrom: number;
}

const recoveries: readonly unknown[] = ['restore', 2, 4, 8];

/** Fills in the defaults. Throws a RangeError that names what is wrong and what is allowed. */
export function weightOptions(given: Partial<WeightOptions> = {}): WeightOptions {
  const options: WeightOptions = {
    floor: given.floor ?? 1 / 1024,
    decay: given.decay ?? {},
    recovery: given.recovery ?? 2,
    recoveryInterval: given.recoveryInterval ?? 500,
    slowStart: given.slowStart ?? 5_000,
    slowStartFrom: given.slowStartFrom ?? 1 / 8,
  };
  expectRange('weights.floor', options.floor, 1 / 65_536, 1);
  for (const [cause, factor] of Object.entries(options.decay)) {
    if (!(faultCauses as readonly string[]).includes(cause))
      throw new RangeError(
        `weights.decay names "${cause}", which is no cause: expected one of ${faultCauses.join(', ')}`,
      );
    expectRange(`weights.decay.${cause}`, factor, 0, 1);
  }
  if (!recoveries.includes(options.recovery))
    throw new RangeError(`weights.recovery is ${String(options.recovery)}: expected one of ${recoveries.join(', ')}`);
  expectRange('weights.recoveryInterval', options.recoveryInterval, 10, 600_000);
  expectRange('weights.slowStart', options.slowStart, 0, 3_600_000);
  expectRange('weights.slowStartFrom', options.slowStartFrom, 1 / 1024, 1);
  return options;
}
