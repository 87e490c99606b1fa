import type { Random } from '../../core/random.ts';
import type { Candidate } from './balancer.ts';
import { SlotBalancer } from './slots.ts';
import { Turns } from './turns.ts';

/** Each node in turn, and as often as its weight says: the most even of all as long as calls cost the same. See `Turns`. */
export class RoundRobinBalancer<T extends Candidate> extends SlotBalancer<T> {
  readonly #weighted: Turns;
  /** For panic: all weigh 1. */
  readonly #even: Turns;

  constructor(random: Random) {
    super();
    this.#weighted = new Turns(random);
    this.#even = new Turns(random);
  }

  protected override choose(): number {
    return this.#turns.take();
  }

  protected override place(slot: number, weight: number): void {
    this.#weighted.add(slot, weight);
    this.#even.add(slot, 1);
  }

  protected override weigh(slot: number, weight: number): void {
    this.#weighted.weigh(slot, weight);
  }

  protected override vacate(slot: number): void {
    this.#weighted.remove(slot);
    this.#even.remove(slot);
  }

  protected override hide(slot: number): void {
    this.#turns.hide(slot);
  }

  protected override show(slot: number): void {
    this.#turns.show(slot);
  }

  get #turns(): Turns {
    return this.panicking ? this.#even : this.#weighted;
  }
}
