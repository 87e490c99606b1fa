import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

/** What serves and has to go away: one listener, or all the worker processes. */
export interface Leaving {
  /** Asks every client to take new calls elsewhere; serves all that come. */
  drain(): void;
  /** Takes no new connections, starts no new calls. */
  refuse(): Promise<void>;
  /** Resolves when all that was at work is answered; after `timeout` ms it is cut off. */
  finish(timeout: number): Promise<void>;
}

export interface ShutdownSteps {
  /** From now on not ready, whatever happens. */
  unready(): void;
  /** Takes the registration back, for good. */
  withdraw(): Promise<void>;
  serving: Leaving;
  /** Ends the session with the registry. */
  closeRegistry(): Promise<void>;
}

/** What is left of the grace period for the last steps, ms. */
const reserve = 2_000;
/** How long the registry is waited for, at either end of the way out, ms. */
const registryPatience = 1_000;

/**
 * The way out, in the only order that loses nothing: be found by nobody new, tell those who are here, serve until the
 * last has heard it, then finish what runs. One deadline for all of it, and no step waits for the registry: it works as
 * well while ZooKeeper is away.
 */
export async function shutdown(
  steps: ShutdownSteps,
  options: { clock: Clock; drainDelay: number; grace: number; log: Log },
): Promise<void> {
  const { clock, drainDelay, grace, log } = options;
  const until = clock.now() + grace - reserve;
  log.info({ drainDelay, grace }, 'going away: not ready any more');
  steps.unready();
  const withdrawn = orLater(clock, log, 'taking the registration back', steps.withdraw);
  steps.serving.drain();
  await Promise.all([withdrawn, clock.sleep(drainDelay)]);
  log.info({}, 'going away: starting no more calls');
  await steps.serving.refuse();
  await steps.serving.finish(Math.max(0, until - clock.now()));
  await orLater(clock, log, 'closing the registry', steps.closeRegistry);
  log.info({}, 'gone');
}

/** Waits for the registry, but not for long, and whatever it says: the way out does not depend on it. */
async function orLater(clock: Clock, log: Log, what: string, step: () => Promise<void>): Promise<void> {
  const late = new AbortController();
  try {
    await Promise.race([step(), clock.sleep(registryPatience, late.signal)]);
  } catch (err) {
    log.warn({ err }, `${what} failed`);
  } finally {
    late.abort();
  }
}
