import { systemClock } from '../../src/core/clock.ts';

export interface Wait {
  /** What is waited for, as the end of a sentence. */
  what: string;
  /** ms */
  deadline: number;
  /** What to add to the error: where to look further. */
  details?: () => string | Promise<string>;
}

/** Asks again and again until the answer is yes. Rejects after the deadline, and at once when the question throws. */
export async function waitFor(condition: () => boolean | Promise<boolean>, wait: Wait): Promise<void> {
  const since = systemClock.now();
  while (!(await condition())) {
    if (systemClock.now() - since > wait.deadline) {
      throw new Error(`waited ${wait.deadline / 1000} s in vain for ${wait.what}${(await wait.details?.()) ?? ''}`);
    }
    await systemClock.sleep(200);
  }
}
