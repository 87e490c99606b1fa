import { every } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import type { ListenAt, Network } from './network.ts';
import type { ServedConnection, ServedOptions } from './served.ts';
import { Sniffer } from './sniffer.ts';

export interface ListenOptions extends Omit<ServedOptions, 'onClose'> {
  network: Network;
  at: ListenAt;
  /**
   * Bytes of answers that peers have not taken yet, on all connections together. Over it, those that have taken nothing for
   * a second are ended, the one that has let us wait longest first. A peer that asks for much and does not read costs a
   * server a thousand times what it sends: a few of them would fill the memory long before their `writeTimeout`, and end a
   * process that serves others. Default 256 MiB.
   */
  unread?: number;
}

const defaultUnread = 256 * 1_048_576;

/** A listening server. It goes away in steps: `drain`, `refuse`, `finish`; `destroy` does it at once. */
export interface Listener {
  readonly port: number;
  readonly connections: number;
  /** Calls at work on all connections. */
  readonly inFlight: number;
  /** Asks every client to take new calls elsewhere; serves all that come. */
  drain(): void;
  /** Takes no new connections, starts no new calls. Each connection ends after its last answer. */
  refuse(): Promise<void>;
  /** Resolves when no connection is left; ends those that are after `timeout` ms. */
  finish(timeout: number): Promise<void>;
  destroy(): void;
}

/** Ends connections whose peers have taken nothing since then until the rest is bearable: who has let us wait longest first. */
function cutUnread(connections: Iterable<ServedConnection>, most: number, since: number): void {
  const waiting = [...connections].filter(({ unread }) => unread > 0);
  let sum = waiting.reduce((bytes, { unread }) => bytes + unread, 0);
  if (sum <= most) return;
  const stalled = waiting.filter(({ lastProgress }) => lastProgress <= since);
  for (const connection of stalled.sort((a, b) => a.lastProgress - b.lastProgress)) {
    if (sum <= most) break;
    sum -= connection.unread;
    const message = `${most} bytes of answers are unread, all peers together, and this peer reads none`;
    connection.destroy(new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'TOO_LARGE' }));
  }
}

/** Serves both protocols on one port: a client's first bytes tell which it speaks. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { clock, network, at, unread = defaultUnread } = options;
  const connections = new Set<ServedConnection>();
  let state: 'serving' | 'draining' | 'refusing' = 'serving';
  let onEmpty: (() => void) | undefined;

  const acceptor = await network.listen(at, (stream) => {
    const connection = new Sniffer(stream, {
      ...options,
      onClose: () => {
        connections.delete(connection);
        if (connections.size === 0) onEmpty?.();
      },
    });
    connections.add(connection);
    if (state !== 'serving') connection.drain();
    if (state === 'refusing') connection.refuse();
  });
  // Often enough for the shortest limit, as seldom as the defaults allow.
  const { headerTimeout, bodyTimeout, writeTimeout } = options.limits;
  const interval = Math.min(1_000, headerTimeout / 5, bodyTimeout / 5, writeTimeout / 5);
  let lastSweep = clock.now();
  const sweep = every(clock, interval, () => {
    const now = clock.now();
    const late = now - lastSweep > 2 * interval;
    lastSweep = now;
    for (const connection of connections) {
      if (late) connection.excuse(now);
      else connection.check(now);
    }
    if (!late) cutUnread(connections, unread, now - interval);
  });

  return {
    port: acceptor.port,
    get connections() {
      return connections.size;
    },
    get inFlight() {
      let sum = 0;
      for (const connection of connections) sum += connection.inFlight;
      return sum;
    },
    drain() {
      if (state === 'serving') state = 'draining';
      for (const connection of connections) connection.drain();
    },
    async refuse() {
      state = 'refusing';
      const stopped = acceptor.stop();
      for (const connection of connections) connection.refuse();
      // A port closes at once; that its last stream ends is not waited for here.
      await Promise.race([stopped, clock.sleep(0)]);
    },
    finish(timeout) {
      return new Promise((resolve) => {
        const done = () => {
          timer.cancel();
          sweep.cancel();
          for (const connection of connections) connection.destroy();
          resolve();
        };
        const timer = clock.timer(timeout, done, { keepAlive: true });
        if (connections.size === 0) done();
        else onEmpty = done;
      });
    },
    destroy() {
      sweep.cancel();
      void acceptor.stop();
      for (const connection of connections) connection.destroy();
    },
  };
}
