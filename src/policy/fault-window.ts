/** Steps in which the window moves on. */
const slices = 10;

/** How many attempts on a node failed, and how many did not, within a time just gone: a ring of ten slices. */
export class FaultWindow {
  readonly #width: number;
  readonly #faults = new Uint32Array(slices);
  readonly #successes = new Uint32Array(slices);
  #faultSum = 0;
  #successSum = 0;
  /** The slice that was last written to. */
  #slice = Number.NEGATIVE_INFINITY;

  /** @param window its length, ms */
  constructor(window: number) {
    this.#width = window / slices;
  }

  fault(now: number): void {
    this.#moveTo(now);
    this.#faults[this.#slice % slices]!++;
    this.#faultSum++;
  }

  success(now: number): void {
    this.#moveTo(now);
    this.#successes[this.#slice % slices]!++;
    this.#successSum++;
  }

  /** True if there were at least so many faults, and they are at least this share of all attempts. */
  reaches(faults: number, share: number, now: number): boolean {
    this.#moveTo(now);
    return this.#faultSum >= faults && this.#faultSum >= share * (this.#faultSum + this.#successSum);
  }

  /** How many there were of both. */
  total(now: number): number {
    this.#moveTo(now);
    return this.#faultSum + this.#successSum;
  }

  clear(): void {
    this.#faults.fill(0);
    this.#successes.fill(0);
    this.#faultSum = this.#successSum = 0;
  }

  #moveTo(now: number): void {
    const slice = Math.floor(now / this.#width);
    if (slice <= this.#slice) return;
    if (slice - this.#slice >= slices) this.clear();
    else {
      for (let next = this.#slice + 1; next <= slice; next++) {
        const place = next % slices;
        this.#faultSum -= this.#faults[place]!;
        this.#successSum -= this.#successes[place]!;
        this.#faults[place] = this.#successes[place] = 0;
      }
    }
    this.#slice = slice;
  }
}
