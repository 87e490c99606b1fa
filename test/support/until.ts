import { systemClock } from '../../src/core/clock.ts';

/**
 * Waits for a condition by asking again and again. Rejects with a sentence after the deadline: late on a busy machine
 * is no failure, never is.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadline = 30_000,
): Promise<void> {
  const since = systemClock.now();
  while (!(await condition())) {
    if (systemClock.now() - since > deadline) throw new Error(`waited ${deadline} ms in vain for ${what}`);
    await systemClock.sleep(5);
  }
}
