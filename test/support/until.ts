import { systemClock } from '../../src/core/clock.ts';

/**
 * Waits until a condition gives something, by asking again and again, and gives that. Rejects with a sentence after the
 * deadline: late on a busy machine is no failure, never is.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string | (() => string),
  deadline = 30_000,
): Promise<Exclude<T, undefined | null | false>> {
  const since = systemClock.now();
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, undefined | null | false>;
    if (systemClock.now() - since > deadline) {
      throw new Error(`waited ${deadline} ms in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await systemClock.sleep(5);
  }
}
