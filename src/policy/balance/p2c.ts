import type { Candidate } from './balancer.ts';
import { TwoChoices } from './two-choices.ts';

/**
 * Of two nodes drawn by weight the one with less in flight per weight. A node that is slow or stands still collects
 * attempts, and so drops out of the picks before any timeout says why.
 */
export class P2cBalancer<T extends Candidate> extends TwoChoices<T> {
  protected override prefers(second: number, first: number): boolean {
    return this.isLighter(second, first);
  }
}
