/** One answer of so many may have taken longer. */
const share = 20;
/** A bucket is so many times as wide as the one below it. */
const growth = 1.25;
/** More than a minute with a floor of 400 ms. */
const buckets = 24;

/**
 * How long the answers of a method take that is slow: the time that at most one of 20 exceeds. A call that is sent a second time
 * only then costs 5 % more work at most; after a fixed time, all calls of a slow method would be sent twice. After Dean and Barroso,
 * "The Tail at Scale" (2013): defer the second request until the first has been outstanding for more than the 95th percentile.
 *
 * It remembers the answers since the last turn and those of the turn before, however long ago that was: a method that is called once a
 * minute is slow, too.
 */
export class SlowShare {
  readonly #floor: number;
  #current = new Uint32Array(buckets);
  #previous = new Uint32Array(buckets);
  #count = 0;
  #previousCount = 0;

  /** @param floor up to this, ms, answers are not told apart */
  constructor(floor: number) {
    this.#floor = floor;
  }

  record(ms: number): void {
    this.#count++;
    if (ms <= this.#floor) return;
    const bucket = Math.ceil(Math.log(ms / this.#floor) / Math.log(growth)) - 1;
    this.#current[Math.min(buckets - 1, Math.max(0, bucket))]!++;
  }

  /** Forgets the turn before; the answers since are now those. */
  turn(): void {
    if (this.#count === 0) return;
    const old = this.#previous;
    this.#previous = this.#current;
    this.#previousCount = this.#count;
    this.#current = old.fill(0);
    this.#count = 0;
  }

  /** The time that at most one answer of 20 exceeded, ms, up to a quarter more; 0 if that is not more than the floor. */
  edge(): number {
    const allowed = Math.floor((this.#count + this.#previousCount) / share);
    let above = 0;
    for (let bucket = buckets - 1; bucket >= 0; bucket--) {
      above += this.#current[bucket]! + this.#previous[bucket]!;
      if (above > allowed) return this.#floor * growth ** (bucket + 1);
    }
    return 0;
  }
}
