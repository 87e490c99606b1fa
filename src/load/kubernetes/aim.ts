import type { PodLife } from './pod-life.ts';
import type { Site } from './site.ts';

/** How long to look for a moment with calls in flight, ms. */
const patience = 2_000;

/**
 * Ready servers to be hit: those that were hit least, the oldest of them, since Kubernetes takes its time to start a container
 * again and again. Throws when there are not so many.
 */
export function chooseVictims({ population }: Site, count: number): PodLife[] {
  const restarts = ({ main }: PodLife) => main?.restartCount ?? 0;
  const chosen = population
    .ready('server')
    .sort((a, b) => restarts(a) - restarts(b))
    .slice(0, count);
  if (chosen.length < count) throw new Error(`${chosen.length} servers are ready, ${count} were to be hit`);
  return chosen;
}

/** Waits for a moment in which the gateways have calls in flight to it, two if possible; not for ever. Gives how many. */
export async function aim(site: Site, { name }: PodLife): Promise<number> {
  const { clock, signal } = site;
  const began = clock.now();
  for (;;) {
    const flying = await inFlightTo(site, name);
    const waited = clock.now() - began;
    if (waited >= patience || flying >= (waited < patience / 2 ? 2 : 1)) return flying;
    await clock.sleep(5, signal);
  }
}

/** How many calls all gateways together have in flight to a server right now. */
export async function inFlightTo({ gateways }: Site, name: string): Promise<number> {
  const lines = await gateways.ask();
  return lines.reduce((sum, { server, inFlight }) => sum + (server === name ? inFlight : 0), 0);
}
