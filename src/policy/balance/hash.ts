import type { Random } from '../../core/random.ts';
import type { Candidate } from './balancer.ts';
import { hashText, mix } from './hash-text.ts';
import { Ledger } from './ledger.ts';
import { MinTree } from './min-tree.ts';
import type { BalancerOptions } from './options.ts';
import { P2cBalancer } from './p2c.ts';
import { Ring } from './ring.ts';

/** Points that a pick walks past at most, so that its cost has a bound. */
const maxSteps = 64;

/**
 * Consistent hashing with bounded loads: calls of one key go to the node whose point on a ring follows the key, if that takes
 * them, else to the first one further along that does. Only ids move points, never weights. A node takes
 * - of its keys the share that its weight is of the highest: always the same keys, so that a weight that is halved sends
 *   half of the keys on and that has come back has them back, and no other key moves;
 * - of all calls in flight at most `hashBound` times what its weight says, rounded up: a key that is asked for too often
 *   spreads over the nodes that follow.
 *
 * Sources: Karger et al., "Consistent Hashing and Random Trees", 1997; Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing
 * with Bounded Loads", 2016; for the share of the keys, Ceph's `reweight` (Weil et al., "CRUSH", 2006).
 */
export class HashBalancer<T extends Candidate> extends P2cBalancer<T> {
  readonly #bound: number;
  readonly #ring: Ring;
  readonly #ledger = new Ledger(this.nodes, () => {});
  /**
   * The highest weight that each node ever had, negated. Shares are of the highest of these, and not of the highest of now:
   * or the keys of all would move when the heaviest node has a fault.
   */
  readonly #peaks = new MinTree();

  constructor(random: Random, options: BalancerOptions) {
    super(random);
    this.#bound = options.hashBound;
    this.#ring = new Ring(options.hashPoints);
  }

  override began(node: T): void {
    const slot = this.slotOf(node);
    if (slot === undefined) return;
    this.#ledger.look(slot);
    this.#ledger.lookOn();
  }

  override ended(node: T): void {
    const slot = this.slotOf(node);
    if (slot !== undefined) this.#ledger.look(slot);
  }

  /** A call without a key is picked as by `p2c`. */
  protected override choose(key: string | undefined): number {
    if (key === undefined) return super.choose(key);
    const place = hashText(key);
    let point = this.#ring.at(place);
    for (let step = 0; step < maxSteps; step++, point = this.#ring.after(point)) {
      const slot = this.#ring.slot(point);
      if (!this.isHidden(slot) && this.#takes(slot, point, place) && !this.#isFull(slot)) return slot;
    }
    // Far from the place of the key. By weight, then, but at the same node for the key as long as no weight changes.
    const { tree } = this;
    const slot = tree.find((mix(~place) / 2 ** 32) * tree.total);
    return this.#isFull(slot) ? super.choose(key) : slot;
  }

  protected override place(slot: number, weight: number): void {
    super.place(slot, weight);
    this.#ring.add(slot, this.nodes[slot]!.id);
    this.#ledger.open(slot);
    this.#peaks.set(slot, -weight);
  }

  protected override weigh(slot: number, weight: number): void {
    super.weigh(slot, weight);
    if (-weight < this.#peaks.key(slot)) this.#peaks.set(slot, -weight);
  }

  protected override vacate(slot: number): void {
    super.vacate(slot);
    this.#ring.remove(slot);
    this.#ledger.close(slot);
    this.#peaks.set(slot, Infinity);
  }

  /**
   * True if a key is among those that the node's weight leaves it. Each of its points decides anew: a node that decided once
   * would be passed for good, and the heaviest would get more than its weight says.
   */
  #takes(slot: number, point: number, key: number): boolean {
    if (this.panicking) return true;
    const highest = -this.#peaks.key(this.#peaks.lowest);
    return mix(key ^ this.#ring.place(point)) * highest < this.weights[slot]! * 2 ** 32;
  }

  #isFull(slot: number): boolean {
    this.#ledger.look(slot);
    const share = this.weightOf(slot) / this.tree.total;
    return this.#ledger.seen(slot) >= Math.ceil(this.#bound * (this.#ledger.total + 1) * share);
  }
}
