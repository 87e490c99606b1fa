import type { Random } from '../core/random.ts';

/** How much time each new server adds, ms: a client makes at most 50 dials a second ... */
const perServer = 20;
/** ... unless it would take longer than this, ms: then all are made within it. */
const longest = 2_000;
/** The least time for a client that is served already, ms: one new server is news to all clients at once. */
const least = 200;

/**
 * The time within which a client dials so many new servers, ms.
 * @param served true if it has a live connection
 */
export function dialWindow(count: number, served: boolean): number {
  return Math.min(longest, Math.max(served ? least : 0, count * perServer));
}

/**
 * When a client dials the servers that a view brought, ms from now, for each in turn; so that a new server does not meet
 * all clients in one moment: they learn of it together, and each connection costs it a handshake while it is still cold.
 *
 * The dials are spread over `dialWindow`: one in each of `count` equal parts of it, in an order and at a moment that are left
 * to chance. So each server's dial is anywhere in the window with the same likelihood, whatever the others do, and:
 *
 * - on a server that m clients will hold, m x 100 / window dials are to be expected in any 100 ms (a binomial draw), of
 *   m at once without the spread;
 * - a client makes at most two dials in any span of window / count, 20 ms for up to 100 servers.
 *
 * A client without any live connection dials one at once (another one each client), as its calls are waiting.
 *
 * What it costs: a client alone finds one new server 100 ms later on average, 200 ms at most; a hundred or more 1 s later on
 * average. With more clients a server's first call comes from the first that finds it.
 *
 * @param served true if the client has a live connection
 */
export function dialDelays(count: number, served: boolean, random: Random): number[] {
  const part = dialWindow(count, served) / count;
  const delays = Array.from({ length: count }, (_, i) => (served || i > 0 ? (i + random()) * part : 0));
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [delays[i], delays[other]] = [delays[other]!, delays[i]!];
  }
  return delays;
}
