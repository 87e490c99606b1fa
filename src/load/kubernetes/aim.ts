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

/** Waits for a moment in which each of them has calls in flight, two if possible; not for ever. Gives how many each has. */
export async function aim(site: Site, victims: readonly PodLife[]): Promise<number[]> {
  const { clock, gateways, signal } = site;
  const began = clock.now();
  for (;;) {
    const lines = await gateways.ask();
    const flying = victims.map(({ name }) =>
      lines.reduce((sum, { server, inFlight }) => sum + (server === name ? inFlight : 0), 0),
    );
    const waited = clock.now() - began;
    const wanted = waited < patience / 2 ? 2 : 1;
    if (waited >= patience || flying.every((count) => count >= wanted)) return flying;
    await clock.sleep(5, signal);
  }
}
