import { hashText, mix } from './hash-text.ts';

const fewestBuckets = 64;

/**
 * A ring of 2^32 places on which each node has some points. It depends on the ids alone, and so is the same at every client,
 * whatever came and went in which order. Finding takes O(1) on average, adding and removing O(points of a node): the points
 * lie in buckets, each a sorted list that holds one or two.
 */
export class Ring {
  readonly #each: number;
  readonly #ids: (string | undefined)[] = [];
  #nodes = 0;
  /** Point `slot x each + k` is the k-th of the node at that slot. */
  #hashes = new Uint32Array();
  /** The next point of the same bucket, or -1. */
  #next = new Int32Array();
  /** The first point of each bucket, or -1. A power of two of them. */
  #heads = new Int32Array(fewestBuckets).fill(-1);

  /** @param each points of a node */
  constructor(each: number) {
    this.#each = each;
  }

  /** What the ring costs besides its points. */
  get buckets(): number {
    return this.#heads.length;
  }

  add(slot: number, id: string): void {
    this.#ids[slot] = id;
    this.#nodes++;
    this.#makeRoom(slot);
    const start = hashText(id, 1);
    // Odd, so that no two points of a node coincide. Two halves: two nodes must not have all points in common by chance.
    const step = hashText(id, 2) | 1;
    for (let k = 0; k < this.#each; k++) this.#hashes[slot * this.#each + k] = mix(start + Math.imul(k, step));
    const points = this.#nodes * this.#each;
    if (points > this.#heads.length) this.#spread(2 * this.#heads.length);
    else this.#eachPoint(slot, (point) => this.#insert(point));
  }

  remove(slot: number): void {
    this.#eachPoint(slot, (point) => this.#delete(point));
    this.#ids[slot] = undefined;
    this.#nodes--;
    // Empty buckets cost steps. A gap of a factor of eight between growing and shrinking keeps both rare.
    const points = this.#nodes * this.#each;
    if (8 * points < this.#heads.length && this.#heads.length > fewestBuckets) this.#spread(this.#heads.length / 2);
  }

  /** The first point at or after a place. There must be one. */
  at(place: number): number {
    const bucket = this.#bucket(place);
    for (let point = this.#heads[bucket]!; point >= 0; point = this.#next[point]!)
      if (this.#hashes[point]! >= place) return point;
    return this.#firstAfter(bucket);
  }

  /** The point after a point, all the way round. */
  after(point: number): number {
    const next = this.#next[point]!;
    return next >= 0 ? next : this.#firstAfter(this.#bucket(this.#hashes[point]!));
  }

  /** Where a point is. */
  place(point: number): number {
    return this.#hashes[point]!;
  }

  /** Whose point it is. */
  slot(point: number): number {
    return Math.floor(point / this.#each);
  }

  #firstAfter(bucket: number): number {
    const mask = this.#heads.length - 1;
    for (let at = (bucket + 1) & mask; ; at = (at + 1) & mask) if (this.#heads[at]! >= 0) return this.#heads[at]!;
  }

  #bucket(place: number): number {
    return Math.floor((place / 2 ** 32) * this.#heads.length);
  }

  #insert(point: number): void {
    const bucket = this.#bucket(this.#hashes[point]!);
    let before = -1;
    let at = this.#heads[bucket]!;
    for (; at >= 0 && this.#isBefore(at, point); at = this.#next[at]!) before = at;
    this.#next[point] = at;
    if (before < 0) this.#heads[bucket] = point;
    else this.#next[before] = point;
  }

  #delete(point: number): void {
    const bucket = this.#bucket(this.#hashes[point]!);
    let before = -1;
    for (let at = this.#heads[bucket]!; at !== point; at = this.#next[at]!) before = at;
    if (before < 0) this.#heads[bucket] = this.#next[point]!;
    else this.#next[before] = this.#next[point]!;
  }

  /** Points at the same place are in the order of the ids: the order of coming is another at each client. */
  #isBefore(a: number, b: number): boolean {
    const difference = this.#hashes[a]! - this.#hashes[b]!;
    return difference < 0 || (difference === 0 && this.#ids[this.slot(a)]! < this.#ids[this.slot(b)]!);
  }

  #eachPoint(slot: number, visit: (point: number) => void): void {
    for (let k = 0; k < this.#each; k++) visit(slot * this.#each + k);
  }

  #makeRoom(slot: number): void {
    const needed = (slot + 1) * this.#each;
    if (needed <= this.#hashes.length) return;
    const [hashes, next] = [this.#hashes, this.#next];
    this.#hashes = new Uint32Array(2 * needed);
    this.#hashes.set(hashes);
    this.#next = new Int32Array(2 * needed);
    this.#next.set(next);
  }

  /** Puts all points into another number of buckets. */
  #spread(buckets: number): void {
    this.#heads = new Int32Array(buckets).fill(-1);
    for (const [slot, id] of this.#ids.entries())
      if (id !== undefined) this.#eachPoint(slot, (point) => this.#insert(point));
  }
}
