/** One round over all servers: which addresses to try, in which order. */
import { lookup as dnsLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import { address as addressText } from '../../core/endpoint.ts';
import type { Random } from '../../core/random.ts';
import type { Address } from './link.ts';

/** All addresses of a host name. */
export type Lookup = (host: string) => Promise<string[]>;

export const systemLookup: Lookup = async (host) =>
  (await dnsLookup(host, { all: true })).map(({ address }) => address);

export interface RoundOptions {
  servers: readonly Address[];
  /** How long DNS may take, ms. */
  patience: number;
  /** The server that was lost last, `HOST:PORT`: it is tried last. */
  last: string | undefined;
  lookup: Lookup;
  clock: Clock;
  random: Random;
  signal: AbortSignal;
}

/**
 * All addresses of all servers, resolved now, because they move; in random order, so that clients spread.
 *
 * @returns also why a name has none, by name
 */
export async function startRound(
  options: RoundOptions,
): Promise<{ addresses: Address[]; causes: Map<string, string> }> {
  const { servers, last, random, lookup } = options;
  const found = new Map<string, Address>();
  const causes = new Map<string, string>();
  await Promise.all(
    servers.map(async ({ host, port }) => {
      try {
        const addresses = isIP(host) === 0 ? await inTime(options, lookup(host)) : [host];
        for (const host of addresses) found.set(addressText({ host, port }), { host, port });
      } catch (cause) {
        causes.set(host, `${host}: ${cause instanceof Error ? cause.message : String(cause)}`);
      }
    }),
  );
  const ranked = [...found].map(([text, address]) => ({ address, rank: text === last ? 2 : random() }));
  return { addresses: ranked.sort((a, b) => a.rank - b.rank).map(({ address }) => address), causes };
}

/** What `work` comes to, unless time or the signal ends the wait. */
function inTime<T>({ clock, patience, signal }: RoundOptions, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = () => end(() => reject(signal.reason));
    const timer = clock.timer(patience, () => end(() => reject(new Error(`no answer from DNS within ${patience} ms`))));
    const end = (settle: () => void) => {
      timer.cancel();
      signal.removeEventListener('abort', stop);
      settle();
    };
    signal.addEventListener('abort', stop, { once: true });
    work.then(
      (value) => end(() => resolve(value)),
      (cause) => end(() => reject(cause)),
    );
    if (signal.aborted) stop();
  });
}
