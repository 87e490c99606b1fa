/** Of a slot that nobody has: no id. */
const free = -1;
/** Slots at first. A power of two, as all sizes are. */
const initialSize = 16;

/**
 * What is known of calls by their ids, where ids rise one by one and most calls are over soon: slots, found by an id's
 * last bits. A Map in its place costs far more than its look-ups: it is made anew every few hundred calls, and V8 links
 * each outgrown table to the next one. Once one of them is old, all later ones and the calls in them outlive every small
 * collection: at 256 calls in flight, half of the client's time went there.
 */
export class CallTable<T> {
  #ids = new Array<number>(initialSize).fill(free);
  #items = new Array<T | undefined>(initialSize).fill(undefined);
  /** Those that last so long that their slot is wanted again. */
  readonly #lasting = new Map<number, T>();
  #inSlots = 0;

  get size(): number {
    return this.#inSlots + this.#lasting.size;
  }

  get(id: number): T | undefined {
    const slot = this.#slot(id);
    if (this.#ids[slot] === id) return this.#items[slot];
    return this.#lasting.size === 0 ? undefined : this.#lasting.get(id);
  }

  /** @param id 0 or more, and not in the table */
  set(id: number, item: T): void {
    if (this.#ids[this.#slot(id)] !== free) this.#makeRoom(id);
    const slot = this.#slot(id);
    this.#ids[slot] = id;
    this.#items[slot] = item;
    this.#inSlots++;
  }

  /** False if it was not there. */
  delete(id: number): boolean {
    const slot = this.#slot(id);
    if (this.#ids[slot] !== id) return this.#lasting.size > 0 && this.#lasting.delete(id);
    this.#free(slot);
    return true;
  }

  clear(): void {
    this.#ids.fill(free);
    this.#items.fill(undefined);
    this.#lasting.clear();
    this.#inSlots = 0;
  }

  /** In no particular order. What was seen may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<[id: number, item: T]> {
    yield* this.#lasting;
    for (let slot = 0; slot < this.#ids.length; slot++) {
      if (this.#ids[slot] !== free) yield [this.#ids[slot]!, this.#items[slot]!];
    }
  }

  #slot(id: number): number {
    return id & (this.#ids.length - 1);
  }

  #free(slot: number): void {
    this.#ids[slot] = free;
    this.#items[slot] = undefined;
    this.#inSlots--;
  }

  /** Many calls need more slots; a single one that lasts gives way. */
  #makeRoom(id: number): void {
    while (this.#inSlots * 2 >= this.#ids.length) this.#grow();
    const slot = this.#slot(id);
    if (this.#ids[slot] === free) return;
    this.#lasting.set(this.#ids[slot]!, this.#items[slot]!);
    this.#free(slot);
  }

  #grow(): void {
    const ids = this.#ids;
    const items = this.#items;
    this.#ids = new Array<number>(ids.length * 2).fill(free);
    this.#items = new Array<T | undefined>(ids.length * 2).fill(undefined);
    for (let slot = 0; slot < ids.length; slot++) {
      const id = ids[slot]!;
      if (id === free) continue;
      this.#ids[this.#slot(id)] = id;
      this.#items[this.#slot(id)] = items[slot];
    }
  }
}
