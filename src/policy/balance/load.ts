import type { Candidate } from './balancer.ts';
import { TwoChoices } from './two-choices.ts';

/** Added to a reported load, so that between 1 % and 5 % busy there is next to no difference. */
const idle = 0.1;

/**
 * Of two nodes drawn by weight the less busy one, as the servers report it. What the client itself has in flight is exact,
 * and heeded at once. A report is up to a second old, and all clients have the same one: if each followed it, the least
 * loaded server would be the most loaded when the next one comes. So it moves half of the difference: of two nodes, one
 * twice as busy as the other, the first passes a quarter of its calls on. Where one of the two has not reported, it is `p2c`.
 */
export class LoadBalancer<T extends Candidate> extends TwoChoices<T> {
  protected override prefers(second: number, first: number): boolean {
    const lighter = this.isLighter(second, first);
    const [load2, load1] = [this.nodes[second]!.reported, this.nodes[first]!.reported];
    // In panic reports say as little as weights.
    if (this.panicking || load1 === undefined || load2 === undefined) return lighter;
    const ratio = this.costRatio(second, idle + load2, first, idle + load1);
    return ratio < 1 && (lighter || this.random() < (1 - ratio) / 2);
  }
}
