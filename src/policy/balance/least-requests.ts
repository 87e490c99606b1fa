import type { Random } from '../../core/random.ts';
import type { Candidate } from './balancer.ts';
import { DrawingBalancer } from './drawing.ts';
import { Ledger } from './ledger.ts';
import { MinTree } from './min-tree.ts';
import { isLighter } from './two-choices.ts';

/** How many wrong entries of the ledger a pick puts right at most, so that its cost has a bound. */
const maxLooks = 8;

/**
 * The fewest attempts in flight per weight, of all nodes. One is drawn by weight, as by `p2c`, and then compared not with a
 * second but with the best of all. Among idle nodes the draw decides. Without it the best of all would be the heaviest at
 * every quiet moment, the same one at every client; and at every busy one it would be a light node that fails at once, and
 * so never has anything in flight.
 */
export class LeastRequestsBalancer<T extends Candidate> extends DrawingBalancer<T> {
  /** (In flight + 1) / weight. */
  readonly #weighted = new MinTree();
  /** In flight + 1, for panic. */
  readonly #even = new MinTree();
  readonly #ledger: Ledger;

  constructor(random: Random) {
    super(random);
    this.#ledger = new Ledger(this.nodes, (slot) => this.#rank(slot));
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

  protected override choose(): number {
    const first = this.draw();
    this.#ledger.look(first);
    const best = this.#best();
    const { inFlight } = this.nodes[best]!;
    return isLighter(inFlight, this.weightOf(best), this.nodes[first]!.inFlight, this.weightOf(first)) ? best : first;
  }

  protected override place(slot: number, weight: number): void {
    super.place(slot, weight);
    this.#ledger.open(slot);
    this.#rank(slot);
  }

  protected override weigh(slot: number, weight: number): void {
    super.weigh(slot, weight);
    this.#rank(slot);
  }

  protected override vacate(slot: number): void {
    super.vacate(slot);
    this.#ledger.close(slot);
    this.#weighted.set(slot, Infinity);
    this.#even.set(slot, Infinity);
  }

  protected override hide(slot: number): void {
    super.hide(slot);
    this.#ranks.set(slot, Infinity);
  }

  protected override show(slot: number): void {
    super.show(slot);
    this.#rank(slot);
  }

  get #ranks(): MinTree {
    return this.panicking ? this.#even : this.#weighted;
  }

  #rank(slot: number): void {
    const calls = this.#ledger.seen(slot) + 1;
    this.#weighted.set(slot, calls / this.weights[slot]!);
    this.#even.set(slot, calls);
  }

  /** The best of all, after a look that it still is. */
  #best(): number {
    for (let looks = 1; looks < maxLooks; looks++) {
      const best = this.#ranks.lowest;
      if (!this.#ledger.look(best)) return best;
    }
    return this.#ranks.lowest;
  }
}
