import type { Candidate } from './balancer.ts';
import { DrawingBalancer } from './drawing.ts';

/** Weighted random: each node's share of the picks is its share of the weights. */
export class RandomBalancer<T extends Candidate> extends DrawingBalancer<T> {
  protected override choose(): number {
    return this.draw();
  }
}
