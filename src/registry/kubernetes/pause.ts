import type { Clock } from '../../core/clock.ts';

/** The waits of one loop, which others can end. */
export class Pause {
  readonly #clock: Clock;
  #end = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the wait, if there is one. */
  end(): void {
    this.#end();
  }

  /**
   * Keeps the process alive.
   *
   * @returns whether it was ended before its time
   */
  async wait(ms: number): Promise<boolean> {
    const ended = await new Promise<boolean>((resolve) => {
      const timer = this.#clock.timer(ms, () => resolve(false), { keepAlive: true });
      this.#end = () => {
        timer.cancel();
        resolve(true);
      };
    });
    this.#end = () => {};
    return ended;
  }
}
