import type { Balancer, Candidate } from './balancer.ts';

/**
 * What all balancers have in common: the nodes, each at a slot that is its own while it is here, panic, and exclusion.
 * Slots are small whole numbers without many gaps, so that what a balancer knows of a node stands in plain arrays.
 */
export abstract class SlotBalancer<T extends Candidate> implements Balancer<T> {
  /** By slot. Undefined where there is none now. */
  protected readonly nodes: (T | undefined)[] = [];
  /** By slot, as of the last update. What counts is `weightOf`. */
  protected readonly weights: number[] = [];
  readonly #slots = new Map<T, number>();
  readonly #free: number[] = [];
  readonly #healthy: boolean[] = [];
  #healthyCount = 0;
  /** Slots that are out of the pick for the moment. */
  readonly #hidden: number[] = [];
  readonly #isHidden: boolean[] = [];

  /** A node came, with its first weight. */
  protected abstract place(slot: number, weight: number): void;
  /** The weight of a node is another. */
  protected abstract weigh(slot: number, weight: number): void;
  /** A node left. */
  protected abstract vacate(slot: number): void;
  /** Takes a node out of the pick until `show`. Nodes do not come, go or change between the two. */
  protected abstract hide(slot: number): void;
  protected abstract show(slot: number): void;
  /** Chooses one of the nodes that are not hidden. There is one. */
  protected abstract choose(key: string | undefined): number;

  get size(): number {
    return this.#slots.size;
  }

  get panicking(): boolean {
    return this.#healthyCount === 0 && this.#slots.size > 0;
  }

  add(node: T): void {
    expectWeight(node.weight);
    if (this.#slots.has(node)) return this.update(node);
    const slot = this.#free.pop() ?? this.nodes.length;
    this.#slots.set(node, slot);
    this.nodes[slot] = node;
    this.weights[slot] = node.weight;
    this.#isHidden[slot] = false;
    this.#noteHealth(slot, node.healthy);
    this.place(slot, node.weight);
  }

  update(node: T): void {
    const slot = this.#slots.get(node);
    if (slot === undefined) return;
    expectWeight(node.weight);
    this.#noteHealth(slot, node.healthy);
    if (this.weights[slot] === node.weight) return;
    this.weights[slot] = node.weight;
    this.weigh(slot, node.weight);
  }

  remove(node: T): void {
    const slot = this.#slots.get(node);
    if (slot === undefined) return;
    this.vacate(slot);
    this.#noteHealth(slot, false);
    this.nodes[slot] = undefined;
    this.#slots.delete(node);
    this.#free.push(slot);
  }

  pick(excluded: readonly T[], key?: string): T | undefined {
    if (this.#slots.size === 0) return undefined;
    if (excluded.length === 0) return this.nodes[this.choose(key)];
    for (const node of excluded) this.#hideNode(node);
    if (this.#hidden.length === this.#slots.size) this.#showAll();
    const chosen = this.nodes[this.choose(key)];
    this.#showAll();
    return chosen;
  }

  /** Most balancers see at the pick what they must know. */
  began(_node: T, _now: number): void {}

  ended(_node: T, _now: number, _latency: number, _failed: boolean | undefined): void {}

  protected slotOf(node: T): number | undefined {
    return this.#slots.get(node);
  }

  /** The weight that counts: in panic 1 for each. */
  protected weightOf(slot: number): number {
    return this.panicking ? 1 : this.weights[slot]!;
  }

  protected isHidden(slot: number): boolean {
    return this.#isHidden[slot]!;
  }

  #hideNode(node: T): void {
    const slot = this.#slots.get(node);
    if (slot === undefined || this.#isHidden[slot]) return;
    this.#hidden.push(slot);
    this.#isHidden[slot] = true;
    this.hide(slot);
  }

  #showAll(): void {
    for (let slot = this.#hidden.pop(); slot !== undefined; slot = this.#hidden.pop()) {
      this.#isHidden[slot] = false;
      this.show(slot);
    }
  }

  #noteHealth(slot: number, healthy: boolean): void {
    this.#healthyCount += Number(healthy) - Number(this.#healthy[slot] ?? false);
    this.#healthy[slot] = healthy;
  }
}

function expectWeight(weight: number): void {
  if (!(weight > 0 && weight < Infinity))
    throw new RangeError(`a node's weight is ${weight}: expected a number above 0, and finite`);
}
