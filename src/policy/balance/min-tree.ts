/**
 * Keys at positions 0, 1, 2, ..., and the position of the lowest; setting takes O(log n) at most, asking O(1). A knock-out
 * tournament in one array: match i is between the winners of the matches 2i and 2i+1, the final is 1.
 */
export class MinTree {
  #capacity = 0;
  #keys = new Float64Array();
  /** When each key was set, as a number that rises. */
  #order = new Float64Array();
  #winners = new Int32Array();
  #sets = 0;

  constructor() {
    this.#growTo(16);
  }

  /** The position of the lowest key; of equal ones, that which was set longest ago. -1 if none is below infinity. */
  get lowest(): number {
    const winner = this.#winners[1]!;
    return this.#keys[winner]! < Infinity ? winner : -1;
  }

  /** The key at a position: infinity if it was never set. */
  key(position: number): number {
    return this.#keys[position] ?? Infinity;
  }

  /** Sets a key; infinity takes the position out. */
  set(position: number, key: number): void {
    while (position >= this.#capacity) this.#growTo(2 * this.#capacity);
    this.#keys[position] = key;
    this.#order[position] = ++this.#sets;
    const winners = this.#winners;
    for (let match = (this.#capacity + position) >> 1; match >= 1; match >>= 1) {
      const winner = this.#play(match);
      // It lost here, and had not won before: nothing changes further up.
      if (winner !== position && winner === winners[match]) return;
      winners[match] = winner;
    }
  }

  #play(match: number): number {
    const left = this.#winners[2 * match]!;
    const right = this.#winners[2 * match + 1]!;
    const [keys, order] = [this.#keys, this.#order];
    if (keys[left]! < keys[right]!) return left;
    if (keys[right]! < keys[left]!) return right;
    return order[left]! <= order[right]! ? left : right;
  }

  #growTo(capacity: number): void {
    const [keys, order] = [this.#keys, this.#order];
    this.#capacity = capacity;
    this.#keys = new Float64Array(capacity).fill(Infinity);
    this.#keys.set(keys);
    this.#order = new Float64Array(capacity);
    this.#order.set(order);
    this.#winners = new Int32Array(2 * capacity);
    for (let position = 0; position < capacity; position++) this.#winners[capacity + position] = position;
    for (let match = capacity - 1; match >= 1; match--) this.#winners[match] = this.#play(match);
  }
}
