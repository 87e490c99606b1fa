/**
 * A TCP proxy that breaks things on purpose: it stands between a client and a server and holds, delays, slices and
 * cuts what passes, or takes no connections at all.
 */
import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { systemClock } from '../../src/core/clock.ts';
import { jitter, systemRandom } from '../../src/core/random.ts';

/** `up` is from the client to the target, `down` is back. */
export type Direction = 'up' | 'down';

export interface FaultProxy {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Connections that ever came. */
  readonly accepted: number;
  /** Bytes that came from clients, passed on or held. */
  readonly bytesUp: number;
  /** Bytes that came from the target, passed on or held. */
  readonly bytesDown: number;
  /** Holds what clients send, closes included; nobody notices. New connections are taken and held as well. */
  pauseUpstream(): void;
  /** Holds what the target sends, closes included. */
  pauseDownstream(): void;
  /** Holds both: the server looks frozen, or the network partitioned. */
  pause(): void;
  /** Lets everything flow again, first what was held. */
  resume(): void;
  /** Resets all connections on both sides. What is held is lost. */
  cut(): void;
  /** Takes no new connections (ECONNREFUSED) until `accept`. Those that are open stay. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** From now on bytes take `ms` longer in each direction, give or take `spread` of it (0..1). 0 = no more. */
  delay(ms: number, spread?: number): void;
  /** From now on bytes go on in pieces of at most `bytes`, one a turn of the event loop. Infinity = no more. */
  slice(bytes: number): void;
  /** Once, on the first connection that gets there: passes exactly `bytes` more to the client, then resets it. */
  limitThenCut(bytes: number): void;
  /** Where new connections go, `HOST:PORT`. Those that are open stay where they are. */
  retarget(target: string): void;
  /** Resets all connections and takes no more. */
  close(): Promise<void>;
}

/** What all connections of one proxy obey. */
interface Faults {
  paused: Record<Direction, boolean>;
  delay: { ms: number; spread: number };
  slice: number;
  /** Bytes that may still go down until the cut. */
  limit: number;
  bytes: Record<Direction, number>;
}

/** @param target `HOST:PORT`, where connections go on to */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const faults: Faults = {
    paused: { up: false, down: false },
    delay: { ms: 0, spread: 0 },
    slice: Number.POSITIVE_INFINITY,
    limit: Number.POSITIVE_INFINITY,
    bytes: { up: 0, down: 0 },
  };
  const pairs = new Set<Pair>();
  let accepted = 0;
  let to = target;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted++;
    const pair = new Pair(client, to, faults, () => pairs.delete(pair));
    pairs.add(pair);
  });
  await listen(server, 0);
  const { port } = server.address() as { port: number };
  const wake = () => {
    for (const pair of pairs) pair.wake();
  };
  const set = (directions: readonly Direction[], paused: boolean) => {
    for (const direction of directions) faults.paused[direction] = paused;
    wake();
  };
  const stopListening = async () => {
    if (!server.listening) return;
    // Not awaited: it is done only when the last connection is, but takes no new ones from here on.
    server.close();
    while (server.listening) await systemClock.sleep(1);
  };
  const cut = () => {
    for (const pair of [...pairs]) pair.cut();
  };

  return {
    host: '127.0.0.1',
    port,
    address: `127.0.0.1:${port}`,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    get bytesUp() {
      return faults.bytes.up;
    },
    get bytesDown() {
      return faults.bytes.down;
    },
    pauseUpstream: () => set(['up'], true),
    pauseDownstream: () => set(['down'], true),
    pause: () => set(['up', 'down'], true),
    resume: () => set(['up', 'down'], false),
    cut,
    refuse: stopListening,
    accept: () => listen(server, port),
    delay(ms, spread = 0) {
      faults.delay = { ms, spread };
    },
    slice(bytes) {
      if (!(bytes >= 1)) throw new Error(`slice(${bytes}): expected at least 1 byte`);
      faults.slice = bytes;
    },
    limitThenCut(bytes) {
      faults.limit = bytes;
    },
    retarget(target) {
      to = target;
    },
    async close() {
      await stopListening();
      cut();
    },
  };
}

/** Its own port may be someone's outgoing port for a moment, when it was given up by `refuse`. */
async function listen(server: Server, port: number): Promise<void> {
  if (server.listening) return;
  const deadline = systemClock.now() + 10_000;
  for (;;) {
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return;
    } catch (cause) {
      if (systemClock.now() > deadline) throw cause;
      await systemClock.sleep(20);
    }
  }
}

/** A connection of a client and the one to the target that belongs to it. */
class Pair {
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #lanes: readonly Lane[];
  readonly #onEnd: () => void;
  #ended = false;

  constructor(client: Socket, target: string, faults: Faults, onEnd: () => void) {
    const at = target.lastIndexOf(':');
    this.#client = client;
    this.#target = dial({
      host: target.slice(0, at),
      port: Number(target.slice(at + 1)),
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#onEnd = onEnd;
    const cut = () => this.cut();
    this.#lanes = [
      new Lane('up', this.#client, this.#target, faults, cut),
      new Lane('down', this.#target, this.#client, faults, cut),
    ];
    for (const socket of [this.#client, this.#target]) {
      socket.on('close', () => {
        if (this.#client.destroyed && this.#target.destroyed) this.#end();
      });
    }
  }

  wake(): void {
    for (const lane of this.#lanes) lane.pump();
  }

  cut(): void {
    reset(this.#client);
    reset(this.#target);
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}

type Item = { due: number } & ({ chunk: Buffer } | { end: 'fin' | 'reset' });

/** More than this is not taken in while it cannot go on, bytes. */
const mostHeld = 1024 * 1024;

/** One direction of a connection: what came in and has not gone on yet, in order. */
class Lane {
  readonly #direction: Direction;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: Faults;
  readonly #cut: () => void;
  #items: Item[] = [];
  #pumping = false;
  #held = 0;
  #lastDue = 0;

  constructor(direction: Direction, from: Socket, to: Socket, faults: Faults, cut: () => void) {
    this.#direction = direction;
    this.#to = to;
    this.#faults = faults;
    this.#cut = cut;
    this.#from = from;
    from.on('data', (chunk: Buffer) => {
      faults.bytes[direction] += chunk.length;
      this.#held += chunk.length;
      if (this.#held > mostHeld) from.pause();
      this.#push({ due: this.#due(), chunk });
    });
    from.on('end', () => this.#push({ due: this.#due(), end: 'fin' }));
    from.on('error', () => this.#push({ due: this.#due(), end: 'reset' }));
  }

  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#pump();
  }

  #push(item: Item): void {
    this.#items.push(item);
    this.pump();
  }

  /** Bytes never overtake each other, whatever the jitter says. */
  #due(): number {
    const { ms, spread } = this.#faults.delay;
    const due = systemClock.now() + jitter(ms, spread, systemRandom);
    this.#lastDue = Math.max(this.#lastDue, due);
    return this.#lastDue;
  }

  async #pump(): Promise<void> {
    try {
      while (await this.#step()) {
        // Each step passes one piece on.
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Passes the next piece on. False if there is none, or none that may go now. */
  async #step(): Promise<boolean> {
    const faults = this.#faults;
    const wait = (this.#items[0]?.due ?? 0) - systemClock.now();
    if (wait > 0) await systemClock.sleep(wait);
    const item = this.#items[0];
    if (item === undefined || faults.paused[this.#direction] || this.#to.destroyed) return false;
    if ('end' in item) {
      this.#items.shift();
      if (item.end === 'fin') this.#to.end();
      else reset(this.#to);
      return true;
    }
    const down = this.#direction === 'down';
    const size = Math.min(item.chunk.length, faults.slice, down ? faults.limit : Number.POSITIVE_INFINITY);
    const piece = item.chunk.subarray(0, size);
    item.chunk = item.chunk.subarray(size);
    if (item.chunk.length === 0) this.#items.shift();
    if (down) faults.limit -= size;
    this.#held -= size;
    if (this.#held <= mostHeld) this.#from.resume();
    if (size > 0) await write(this.#to, piece);
    if (down && faults.limit <= 0) {
      faults.limit = Number.POSITIVE_INFINITY;
      // A reset overtakes bytes that the client has not read yet: give it time to read them.
      await systemClock.sleep(20);
      this.#cut();
      return false;
    }
    if (faults.slice < Number.POSITIVE_INFINITY) await new Promise<void>((resolve) => setImmediate(resolve));
    return true;
  }
}

/** Resolves when the bytes went out, or never will. */
function write(to: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    to.write(bytes, () => resolve());
  });
}

function reset(socket: Socket): void {
  if (socket.destroyed) return;
  // Before it is connected there is nothing to reset. And while its end is under way libuv refuses to, and Node then
  // leaks the handle: the socket never closes, and the process spins when it exits (26.10).
  if (socket.connecting || (socket.writableEnded && !socket.writableFinished)) socket.destroy();
  else socket.resetAndDestroy();
}
