import { aim, inFlightTo } from './aim.ts';
import type { Bookkeeper } from './bookkeeper.ts';
import type { ContainerShell, Process } from './container-shell.ts';
import type { PodLife } from './pod-life.ts';
import type { Site } from './site.ts';

/** How long to try: so long a server may be held that was caught before the others, ms. */
const patience = 10_000;
/** Between two attempts, ms. */
const pause = 150;

/** A server, and a shell beside it. */
export interface Victim {
  life: PodLife;
  shell: ContainerShell;
  processes: readonly Process[];
}

export interface Caught {
  /** Calls that the gateways had in flight to it then. */
  flying: number;
  /** Calls that it was working on then by its books; undefined where they could not be read. */
  working: number | undefined;
  /** When its processes were stopped, ms since 1970; undefined if they were not, since nobody could look. */
  stoppedAt: number | undefined;
}

/**
 * Catches a server while it works on calls. From here to a process there it is farther than most calls last: so it is stopped,
 * and if its books say that it works on nothing, it is let go and tried again. Without books it is not stopped: then the
 * gateways' word must do.
 *
 * @param ms how long it is to stand still when all are caught
 */
export async function catchAtWork(
  site: Site,
  books: Bookkeeper,
  { life, shell, processes }: Victim,
  ms: number,
): Promise<Caught> {
  const { clock, signal } = site;
  const pids = processes.map(({ pid }) => pid);
  const deadline = clock.now() + patience;
  for (;;) {
    if ((await books.working(life, pids)) === undefined) {
      return { flying: await aim(site, life), working: undefined, stoppedAt: undefined };
    }
    const stoppedAt = site.now();
    await shell.stop(ms + patience);
    const [working, flying] = await Promise.all([books.working(life, pids), inFlightTo(site, life.name)]);
    if ((working ?? 0) > 0 || clock.now() >= deadline) return { flying, working, stoppedAt };
    await shell.resume();
    await clock.sleep(pause, signal);
  }
}
