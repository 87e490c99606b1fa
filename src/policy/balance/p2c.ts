import type { Candidate } from './balancer.ts';
import { DrawingBalancer } from './drawing.ts';

/**
 * Power of two choices: draws two nodes by weight and takes the one with less in flight per weight. A node that is slow or
 * stands still collects attempts, and so drops out of the picks before any timeout says why.
 * Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
 */
export class P2cBalancer<T extends Candidate> extends DrawingBalancer<T> {
  protected override choose(first: T): T {
    this.hide(first);
    const second = this.draw();
    if (second === undefined) return first;
    const even = this.panicking;
    return goesLighter(second, first, even ? 1 : second.weight, even ? 1 : first.weight) ? second : first;
  }
}

/**
 * True if `second` with the call would carry no more per weight than `first` does now.
 *
 * To compare the two as they are would not do: a node at the floor that fails at once has nothing in flight, and would be
 * taken before any busy one. Nor would it do to count the call on both sides: the lighter of two idle nodes would never be
 * taken. This way idle nodes share by weight, and nodes of one weight are compared by what they have in flight.
 */
function goesLighter(second: Candidate, first: Candidate, secondWeight: number, firstWeight: number): boolean {
  return (second.inFlight + 1) * firstWeight <= first.inFlight * secondWeight;
}
