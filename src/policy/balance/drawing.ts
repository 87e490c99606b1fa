import type { Random } from '../../core/random.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { WeightTree } from './tree.ts';

/** What balancers have in common that draw by weight: the nodes, the draw, panic and exclusion. */
export abstract class DrawingBalancer<T extends Candidate> implements Balancer<T> {
  readonly #random: Random;
  readonly #positions = new Map<T, number>();
  // By position, without gaps.
  readonly #nodes: T[] = [];
  readonly #weights: number[] = [];
  readonly #healthy: boolean[] = [];
  #healthyCount = 0;
  /** To draw by weight. */
  readonly #weighted = new WeightTree();
  /** To draw evenly, in panic: each node weighs 1. */
  readonly #even = new WeightTree();
  /** Positions that are out of the draw for the moment. */
  readonly #hidden: number[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Decides for `first`, which was drawn, or for another that it draws. What it hides is shown again afterwards. */
  protected abstract choose(first: T): T;

  get size(): number {
    return this.#nodes.length;
  }

  get panicking(): boolean {
    return this.#healthyCount === 0 && this.#nodes.length > 0;
  }

  add(node: T): void {
    expectWeight(node.weight);
    if (!this.#positions.has(node)) {
      const position = this.#nodes.length;
      this.#nodes.push(node);
      this.#positions.set(node, position);
      this.#even.set(position, 1);
    }
    this.update(node);
  }

  update(node: T): void {
    const position = this.#positions.get(node);
    if (position === undefined) return;
    expectWeight(node.weight);
    this.#note(position, node.weight, node.healthy);
  }

  remove(node: T): void {
    const position = this.#positions.get(node);
    if (position === undefined) return;
    const last = this.#nodes.length - 1;
    const moved = this.#nodes[last]!;
    const weight = this.#weights[last]!;
    const healthy = this.#healthy[last]!;
    this.#note(position, weight, healthy);
    this.#note(last, 0, false);
    this.#even.set(last, 0);
    this.#nodes[position] = moved;
    this.#positions.set(moved, position);
    this.#positions.delete(node);
    this.#nodes.pop();
    this.#weights.pop();
    this.#healthy.pop();
  }

  /** What is in flight is read at the pick. */
  began(_node: T, _now: number): void {}

  ended(_node: T, _now: number, _latency: number, _failed: boolean): void {}

  pick(excluded: readonly T[]): T | undefined {
    // Nothing to draw: the tree need not be touched.
    if (this.#nodes.length === 1) return this.#nodes[0];
    for (const node of excluded) this.hide(node);
    const first = this.draw();
    if (first === undefined && this.#hidden.length > 0) {
      this.#showAll();
      return this.pick([]);
    }
    const chosen = first && this.choose(first);
    this.#showAll();
    return chosen;
  }

  /** Draws a node that is not hidden: by weight, in panic evenly. */
  protected draw(): T | undefined {
    const tree = this.#tree;
    const { total } = tree;
    return total > 0 ? this.#nodes[tree.find(this.#random() * total)] : undefined;
  }

  /** Takes a node out of the draw until the pick is over. */
  protected hide(node: T): void {
    const position = this.#positions.get(node);
    if (position === undefined) return;
    this.#hidden.push(position);
    this.#tree.set(position, 0);
  }

  #showAll(): void {
    for (let position = this.#hidden.pop(); position !== undefined; position = this.#hidden.pop())
      this.#tree.set(position, this.panicking ? 1 : this.#weights[position]!);
  }

  get #tree(): WeightTree {
    return this.#healthyCount === 0 ? this.#even : this.#weighted;
  }

  #note(position: number, weight: number, healthy: boolean): void {
    this.#healthyCount += Number(healthy) - Number(this.#healthy[position] ?? false);
    this.#healthy[position] = healthy;
    if (this.#weights[position] === weight) return;
    this.#weights[position] = weight;
    this.#weighted.set(position, weight);
  }
}

function expectWeight(weight: number): void {
  if (!(weight > 0 && weight < Infinity))
    throw new RangeError(`a node's weight is ${weight}: expected a number above 0, and finite`);
}
