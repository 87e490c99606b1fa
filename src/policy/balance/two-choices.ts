import type { Candidate } from './balancer.ts';
import { DrawingBalancer } from './drawing.ts';

/**
 * Power of two choices: draws two nodes by weight and keeps the first unless the second is better. Whatever "better" means,
 * of nodes of one weight none gets more than twice its share, because it is among the two no more often: the best node of the
 * moment is never flooded. A light node beside a heavy one is nearly always among the two; it must be better in proportion.
 * Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
 */
export abstract class TwoChoices<T extends Candidate> extends DrawingBalancer<T> {
  /** True if the call shall go to `second`, although `first` was drawn. */
  protected abstract prefers(second: number, first: number): boolean;

  protected override choose(_key: string | undefined): number {
    const first = this.draw();
    const second = this.tree.findOther(first, this.random());
    return second >= 0 && this.prefers(second, first) ? second : first;
  }

  /** True if `second` with the call would carry no more per weight than `first` does now. */
  protected isLighter(second: number, first: number): boolean {
    return isLighter(
      this.nodes[second]!.inFlight,
      this.weightOf(second),
      this.nodes[first]!.inFlight,
      this.weightOf(first),
    );
  }

  /**
   * What the call costs on `second`, as a multiple of what it costs on `first`. A cost is what one call costs on the node
   * (`slowness`: a latency, a load) times the calls there would be, per weight.
   *
   * The new call itself is charged to `first` as if that had the heavier weight of the two: it was drawn by its weight, and
   * to charge it by weight once more would starve the light. So nodes that are idle and equally slow share by weight, and a
   * light node is taken instead of a heavy one only where it is better in proportion.
   */
  protected costRatio(second: number, slowness2: number, first: number, slowness1: number): number {
    const weight1 = this.weightOf(first);
    const weight2 = this.weightOf(second);
    const heavier = Math.max(weight1, weight2);
    const calls1 = 1 + (this.nodes[first]!.inFlight * heavier) / weight1;
    const calls2 = ((1 + this.nodes[second]!.inFlight) * heavier) / weight2;
    return (slowness2 * calls2) / (slowness1 * calls1);
  }
}

/**
 * True if a node with `inFlight2` and the call would carry no more per weight than one with `inFlight1` does now.
 *
 * To compare the two as they are would not do: a node at the floor that fails at once has nothing in flight, and would be
 * taken before any busy one. Nor would it do to count the call on both sides: the lighter of two idle nodes would never be
 * taken. This way idle nodes share by weight, and nodes of one weight are compared by what they have in flight.
 */
export function isLighter(inFlight2: number, weight2: number, inFlight1: number, weight1: number): boolean {
  return (inFlight2 + 1) * weight1 <= inFlight1 * weight2;
}
