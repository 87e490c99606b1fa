/** Whether the registry holds a server, as far as it was seen. Times in ms since 1970. */
export class Registration {
  #since: number | undefined;
  #until: number | undefined;

  /** It is there now, or not. */
  see(there: boolean, now: number): void {
    if (there) {
      this.#since ??= now;
      this.#until = undefined;
    } else if (this.#since !== undefined) this.#until ??= now;
  }

  /** When it was there for the first time. */
  get since(): number | undefined {
    return this.#since;
  }

  /** From when on it was not there any more; undefined while it is. */
  get until(): number | undefined {
    return this.#until;
  }
}
