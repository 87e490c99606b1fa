import { systemClock } from '../../../src/core/clock.ts';

/**
 * Does something again and again until it does not throw, and gives what it gave. After the deadline it rejects with the
 * last error. The pause between two rounds is long enough that asking does not load the cluster.
 */
export async function eventually<T>(check: () => T | Promise<T>, deadline = 120_000, pause = 500): Promise<T> {
  const since = systemClock.now();
  for (;;) {
    try {
      return await check();
    } catch (cause) {
      const waited = systemClock.now() - since;
      if (waited < deadline) await systemClock.sleep(pause);
      else throw new Error(`after ${Math.round(waited / 1_000)} s still: ${(cause as Error).message}`, { cause });
    }
  }
}
