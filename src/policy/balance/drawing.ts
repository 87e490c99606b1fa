import type { Random } from '../../core/random.ts';
import type { Candidate } from './balancer.ts';
import { SlotBalancer } from './slots.ts';
import { WeightTree } from './tree.ts';

/** What balancers have in common that draw by weight. */
export abstract class DrawingBalancer<T extends Candidate> extends SlotBalancer<T> {
  protected readonly random: Random;
  /** To draw by weight. */
  readonly #weighted = new WeightTree();
  /** To draw evenly, in panic: each node weighs 1. */
  readonly #even = new WeightTree();

  constructor(random: Random) {
    super();
    this.random = random;
  }

  /** The weights that count now, those of hidden nodes 0. */
  protected get tree(): WeightTree {
    return this.panicking ? this.#even : this.#weighted;
  }

  /** Draws a node that is not hidden: by weight, in panic evenly. */
  protected draw(): number {
    const { tree } = this;
    return tree.find(this.random() * tree.total);
  }

  protected override place(slot: number, weight: number): void {
    this.#weighted.set(slot, weight);
    this.#even.set(slot, 1);
  }

  protected override weigh(slot: number, weight: number): void {
    this.#weighted.set(slot, weight);
  }

  protected override vacate(slot: number): void {
    this.#weighted.set(slot, 0);
    this.#even.set(slot, 0);
  }

  protected override hide(slot: number): void {
    this.tree.set(slot, 0);
  }

  protected override show(slot: number): void {
    this.tree.set(slot, this.weightOf(slot));
  }
}
