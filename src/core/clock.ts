/**
 * Time, as a parameter. The only file that touches the raw clock and the raw timers (lint sees to it), so that
 * everything above can run on a virtual clock: in tests without sleeping, in the simulator a day in a second.
 */

/** A timer that was set. `cancel` after it fired, or twice, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds on a clock that never jumps. Its zero means nothing: only differences do. */
  now(): number;
  /** Milliseconds since 1970, for what people read. It may jump: never subtract two of them. */
  wallTime(): number;
  /** Calls `callback` once after `ms`, `Infinity` too: that is some weeks, or later. An unfinished timer does not keep the process alive, unless `keepAlive`. */
  timer(ms: number, callback: () => void, options?: { keepAlive?: boolean }): Timer;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. Keeps the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** `sleep` in terms of `timer`: the same for every clock. */
export function sleepOn(clock: Pick<Clock, 'timer'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.timer(
      ms,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      { keepAlive: true },
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The most that a timer of the system can count, ms. It would fire at once for more. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  timer(ms, callback, options) {
    const handle = setTimeout(callback, Math.min(ms, longestTimer));
    if (!options?.keepAlive) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
};

/** Runs `callback` every `ms`, first after `ms`, until cancelled. The next round is set before the callback runs. */
export function every(clock: Clock, ms: number | (() => number), callback: () => void): Timer {
  let timer: Timer;
  const arm = () => {
    timer = clock.timer(typeof ms === 'number' ? ms : ms(), () => {
      arm();
      callback();
    });
  };
  arm();
  return { cancel: () => timer.cancel() };
}

/** A wall time (`Clock.wallTime`) as people and machines read it: ISO 8601, UTC. */
export function isoTime(wallTime: number): string {
  return new Date(wallTime).toISOString();
}

/** The wall time that `isoTime` wrote, ms since 1970. Not a number where it is none. */
export function isoInstant(text: string): number {
  return Date.parse(text);
}
