/**
 * Weights at positions 0, 1, 2, ..., to draw a position in proportion to its weight; setting and finding take O(log n).
 * A binary tree of sums in one array: node i has the children 2i and 2i+1, the root is 1. Sums are added up anew on the way
 * to the root and not moved by a difference, so that rounding errors cannot pile up over millions of changes.
 */
export class WeightTree {
  #capacity = 16;
  #sums = new Float64Array(2 * this.#capacity);

  /** The sum of all weights. 0 exactly when all are 0. */
  get total(): number {
    return this.#sums[1]!;
  }

  /** Sets a weight, 0 or more. Positions never set have the weight 0. */
  set(position: number, weight: number): void {
    while (position >= this.#capacity) this.#grow();
    const sums = this.#sums;
    let at = this.#capacity + position;
    sums[at] = weight;
    for (at >>= 1; at >= 1; at >>= 1) sums[at] = sums[2 * at]! + sums[2 * at + 1]!;
  }

  /**
   * The position that covers `point` when the weights lie end to end. Never one of weight 0, unless all are.
   * @param point 0 <= point < total
   */
  find(point: number): number {
    const sums = this.#sums;
    let rest = point;
    let at = 1;
    while (at < this.#capacity) {
      at *= 2;
      const left = sums[at]!;
      // Rounding may carry `rest` past the last weight: then the right side is empty, and the left one is meant.
      if (rest >= left && sums[at + 1]! > 0) {
        rest -= left;
        at++;
      }
    }
    return at - this.#capacity;
  }

  /**
   * As `find`, as if the weight at `position`, which was set, were 0. -1 if no other weight is left.
   * @param share 0 <= share < 1, of what the other weights add up to
   */
  findOther(position: number, share: number): number {
    const sums = this.#sums;
    let at = this.#capacity + position;
    const own = sums[at]!;
    // Beside a weight that dwarfs them, the others may be lost in rounding.
    const rest = sums[1]! - own;
    if (!(rest > 0)) return -1;
    let before = 0;
    for (; at > 1; at >>= 1) if (at & 1) before += sums[at - 1]!;
    const point = share * rest;
    const found = this.find(point < before ? point : point + own);
    // Sums from the leaf up may be rounded otherwise than those from the root down.
    return found === position ? -1 : found;
  }

  #grow(): void {
    const leaves = this.#sums.subarray(this.#capacity);
    this.#capacity *= 2;
    this.#sums = new Float64Array(2 * this.#capacity);
    this.#sums.set(leaves, this.#capacity);
    for (let at = this.#capacity - 1; at >= 1; at--) this.#sums[at] = this.#sums[2 * at]! + this.#sums[2 * at + 1]!;
  }
}
