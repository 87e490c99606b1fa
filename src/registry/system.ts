import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { Registry } from './registry.ts';

/** What every registry system is opened with, all defaults filled in. */
export interface SystemOptions {
  clock: Clock;
  random: Random;
  log: Log;
  /** The secret, as `SCHEME:REST`. It comes beside the URL, so that the URL may be logged. */
  auth: string | undefined;
}

/**
 * Opens one kind of registry. A new system is one file with one of these, and one line in open.ts.
 *
 * @param rest what stands behind `SCHEME:` in the URL
 * @throws a sentence that names what is wrong in it and what is allowed
 */
export type OpenSystem = (rest: string, options: SystemOptions) => Registry;
