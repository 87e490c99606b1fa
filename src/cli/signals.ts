import { type Clock, systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

/** A second Ctrl-C within this time is the first one's echo: npm passes on what the terminal has sent to all, ms. */
const echo = 1_000;

/**
 * Calls `leave` at the first SIGTERM or SIGINT. Those that follow change nothing, except that somebody at a terminal who
 * presses Ctrl-C again, after a second, does not want to wait: then `abort` ends it at once.
 */
export function onSignals(
  log: Log,
  leave: (signal: string) => void,
  abort: () => void,
  clock: Clock = systemClock,
): void {
  let first: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (first === undefined) {
        first = clock.now();
        log.info({ signal }, 'told to go');
        leave(signal);
      } else if (signal === 'SIGINT' && process.stdin.isTTY && clock.now() - first > echo) {
        log.warn({}, 'told again: ending at once');
        abort();
      }
    });
  }
}
