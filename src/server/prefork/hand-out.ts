import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/clock.ts';

/** Someone who serves connections: a worker process as the hand-out sees it. */
export interface Taker {
  readonly index: number;
  /** Sends the connection over. The worker says `taken` before it touches it, or never. */
  give(id: number, socket: Socket): void;
}

interface Given {
  id: number;
  socket: Socket;
  address: string;
  taker: Taker;
  at: number;
  taken: boolean;
  /** Ends it when nobody has taken it for so long that its client does not wait any more. */
  stale: Timer;
}

/** A worker that has not taken a connection for so long is stuck, ms: others come first. */
const stuckAfter = 100;
/** Nobody waits longer for a first word, ms: evenkeel's own clients wait a second for HELLO, classic ones perhaps longer. */
const staleAfter = 5_000;
/** So many connections may wait where no worker is, and so many for one worker to take them; each is an open file. */
const maxWaiting = 1_024;

/**
 * Gives each new connection to a worker, evenly for each client: the worker that has the fewest connections from the same
 * address gets it. So a client reaches all n workers by n dials, which neither a shared socket nor SO_REUSEPORT can
 * promise, and a worker that starts again gets its share back (measured: `node bench/listening.ts`).
 *
 * A connection stays open here until the worker has said that it has it; if the worker dies before, or the connection is
 * lost on the way to it, another one gets it: nobody has touched it. node:cluster's own hand-out leaves such connections
 * open and unserved for ever.
 */
export class HandOut {
  readonly #clock: Clock;
  readonly #takers = new Map<Taker, Counts>();
  readonly #given = new Map<number, Given>();
  /** Connections that came while there was no worker, each with the timer that ends it when it is stale. */
  readonly #unserved = new Map<Socket, Timer>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Connections that were given to a worker and are not closed. */
  get size(): number {
    return this.#given.size;
  }

  add(taker: Taker): void {
    this.#takers.set(taker, new Counts());
    for (const socket of this.#takeUnserved()) this.handOut(socket);
  }

  /** No more for this one. What it has not taken stays its own until it is gone: it may be frozen, and thaw. */
  remove(taker: Taker): void {
    this.#takers.delete(taker);
  }

  /** The worker is gone for good: what it never took goes to others. */
  gone(taker: Taker): void {
    this.remove(taker);
    for (const given of this.#given.values()) {
      if (given.taker !== taker) continue;
      this.#forget(given);
      if (!given.taken) this.handOut(given.socket);
    }
  }

  handOut(socket: Socket): void {
    if (socket.destroyed) return;
    const address = socket.remoteAddress ?? '';
    if (this.#takers.size === 0) return this.#keep(socket);
    const taker = this.#pick(address);
    if (taker === undefined) {
      // Every worker has a thousand to take: they are stuck, and nothing that we do would help this one.
      socket.destroy();
      return;
    }
    const id = ++this.#lastId;
    const stale = this.#clock.timer(staleAfter, () => {
      this.#forget(given);
      socket.destroy();
    });
    const given: Given = { id, socket, address, taker, at: this.#clock.now(), taken: false, stale };
    this.#given.set(id, given);
    this.#takers.get(taker)!.add(given);
    taker.give(id, socket);
  }

  /** The worker has it. */
  taken(id: number): void {
    const given = this.#given.get(id);
    if (given === undefined) return;
    this.#passOver(given);
    given.taken = true;
    given.stale.cancel();
    this.#takers.get(given.taker)?.untaken.delete(given);
    // Ours is a copy: were it left open, the worker's closing it would never reach the client.
    given.socket.destroy();
  }

  /** The worker has it no more, or never could have it: the client was gone, or the worker had no file left to open. */
  closed(id: number): void {
    const given = this.#given.get(id);
    if (given === undefined) return;
    this.#passOver(given);
    this.#forget(given);
    given.socket.destroy();
  }

  /** Ends what nobody has taken. */
  close(): void {
    for (const socket of this.#takeUnserved()) socket.destroy();
    for (const given of [...this.#given.values()]) {
      this.#forget(given);
      given.socket.destroy();
    }
  }

  /**
   * A worker hears in order: what it was given before this one and has not taken has never reached it. Node gives up a
   * handle that a process without a free file descriptor cannot receive, and tells nobody.
   */
  #passOver(given: Given): void {
    const untaken = this.#takers.get(given.taker)?.untaken;
    if (untaken?.has(given) !== true) return;
    for (const earlier of untaken) {
      if (earlier === given) return;
      this.#forget(earlier);
      this.handOut(earlier.socket);
    }
  }

  #forget(given: Given): void {
    given.stale.cancel();
    this.#given.delete(given.id);
    this.#takers.get(given.taker)?.remove(given);
  }

  /** Keeps it for the next worker, as long as its client may be expected to wait. */
  #keep(socket: Socket): void {
    if (this.#unserved.size >= maxWaiting) {
      socket.destroy();
      return;
    }
    const end = () => {
      this.#unserved.delete(socket);
      socket.destroy();
    };
    this.#unserved.set(socket, this.#clock.timer(staleAfter, end));
  }

  #takeUnserved(): Socket[] {
    const sockets = [...this.#unserved.keys()];
    for (const timer of this.#unserved.values()) timer.cancel();
    this.#unserved.clear();
    return sockets;
  }

  #pick(address: string): Taker | undefined {
    const now = this.#clock.now();
    let best: Taker | undefined;
    let least: Load | undefined;
    for (const [taker, counts] of this.#takers) {
      if (counts.untaken.size >= maxWaiting) continue;
      const oldest = counts.untaken.values().next().value;
      const stuck = oldest !== undefined && now - oldest.at > stuckAfter;
      const load = { stuck, same: counts.byAddress.get(address) ?? 0, all: counts.all };
      if (least === undefined || isLess(load, least)) {
        best = taker;
        least = load;
      }
    }
    return best;
  }
}

interface Load {
  stuck: boolean;
  same: number;
  all: number;
}

function isLess(a: Load, b: Load): boolean {
  if (a.stuck !== b.stuck) return b.stuck;
  return a.same !== b.same ? a.same < b.same : a.all < b.all;
}

/** What a worker has. Kept as counts, because a dial must not cost more the more connections there are. */
class Counts {
  all = 0;
  readonly byAddress = new Map<string, number>();
  /** In the order in which they were given. */
  readonly untaken = new Set<Given>();

  add(given: Given): void {
    this.all++;
    this.byAddress.set(given.address, (this.byAddress.get(given.address) ?? 0) + 1);
    this.untaken.add(given);
  }

  remove(given: Given): void {
    this.all--;
    const same = (this.byAddress.get(given.address) ?? 0) - 1;
    if (same > 0) this.byAddress.set(given.address, same);
    else this.byAddress.delete(given.address);
    this.untaken.delete(given);
  }
}
