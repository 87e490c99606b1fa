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

  /** Keeps the process alive. */
  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.timer(ms, resolve, { keepAlive: true });
      this.#end = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#end = () => {};
  }
}
