/** A network in memory whose links can be slowed, frozen, muted, cut and refused, all on a virtual clock. */
import { type Duplex, duplexPair } from 'node:stream';
import type { Clock } from '../../src/core/clock.ts';
import { address } from '../../src/core/endpoint.ts';
import { MemoryNetwork } from '../../src/transport/memory.ts';
import type { Acceptor, ListenAt, Network } from '../../src/transport/network.ts';

/** What is wrong with an address. All of it also holds for connections that are open already, but for `refusing`. */
export interface Faults {
  /** Nothing goes through, and nothing is lost: as if the process there were stopped. */
  frozen: boolean;
  /** What the server says is lost, and no one learns that. */
  mute: boolean;
  /** Dials are refused. */
  refusing: boolean;
  /** How long bytes travel each way, ms. */
  latency: number;
}

const well: Faults = { frozen: false, mute: false, refusing: false, latency: 0 };

export class FaultNetwork implements Network {
  readonly #clock: Clock;
  readonly #inner = new MemoryNetwork();
  readonly #faults = new Map<string, Faults>();
  readonly #wires = new Map<string, Set<Wire>>();
  /** Dials so far, by address. */
  readonly dials = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Connections that are open to an address. */
  connections(at: string): number {
    return this.#wires.get(at)?.size ?? 0;
  }

  set(at: string, faults: Partial<Faults>): void {
    const now = this.#of(at);
    Object.assign(now, faults);
    if (!now.frozen) for (const wire of this.#wires.get(at) ?? []) wire.thaw();
  }

  /** Cuts every connection to an address, as a process that is killed does; `most` of them if given. */
  reset(at: string, most = Number.POSITIVE_INFINITY): void {
    for (const wire of [...(this.#wires.get(at) ?? [])].slice(0, most)) wire.reset();
  }

  /** Freezes one connection to an address, as a single process there that is stopped. `set` undoes it for all. */
  freezeOne(at: string): void {
    const [wire] = this.#wires.get(at) ?? [];
    wire?.freeze();
  }

  connect(host: string, port: number): Duplex {
    const at = address({ host, port });
    this.dials.set(at, (this.dials.get(at) ?? 0) + 1);
    const faults = this.#of(at);
    const [near, middle] = duplexPair();
    const wires = this.#wires.get(at) ?? new Set();
    this.#wires.set(at, wires);
    const far = faults.refusing ? this.#inner.connect('nobody', 0) : this.#inner.connect(host, port);
    const wire = new Wire(this.#clock, faults, near, middle, far, () => wires.delete(wire));
    wires.add(wire);
    return near;
  }

  listen(at: ListenAt, onStream: (stream: Duplex) => void): Promise<Acceptor> {
    return this.#inner.listen(at, onStream);
  }

  #of(at: string): Faults {
    let faults = this.#faults.get(at);
    if (faults === undefined) {
      faults = { ...well };
      this.#faults.set(at, faults);
    }
    return faults;
  }
}

/** One connection: `near` is the client's end, `far` leads to the server's. */
class Wire {
  readonly #clock: Clock;
  #faults: Faults;
  /** Those of the address. */
  readonly #shared: Faults;
  readonly #near: Duplex;
  readonly #far: Duplex;
  /** What waits for the thaw, in order. */
  readonly #held: (() => void)[] = [];
  #lastArrival = 0;

  constructor(clock: Clock, faults: Faults, near: Duplex, middle: Duplex, far: Duplex, onClose: () => void) {
    this.#clock = clock;
    this.#faults = faults;
    this.#shared = faults;
    this.#near = near;
    this.#far = far;
    middle.on('data', (chunk) => this.#carry(() => far.write(chunk)));
    middle.on('end', () => this.#carry(() => far.end()));
    far.on('data', (chunk) => {
      if (!faults.mute) this.#carry(() => middle.write(chunk));
    });
    far.on('end', () => this.#carry(() => middle.end()));
    far.on('connect', () => this.#carry(() => near.emit('connect')));
    let cause: Error | undefined;
    far.on('error', (error) => {
      cause = error;
    });
    middle.on('error', () => {});
    far.once('close', () => {
      this.#carry(() => near.destroy(cause));
    });
    near.once('close', () => {
      onClose();
      middle.destroy();
      this.#carry(() => far.destroy());
    });
  }

  freeze(): void {
    this.#faults = { ...this.#shared, frozen: true };
  }

  thaw(): void {
    this.#faults = this.#shared;
    for (const action of this.#held.splice(0)) this.#carry(action);
  }

  reset(): void {
    this.#near.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    this.#far.destroy();
  }

  /** Does it when it arrives: in order, never before what was on the way already. */
  #carry(action: () => void): void {
    const { frozen, latency } = this.#faults;
    if (frozen) {
      this.#held.push(action);
      return;
    }
    const now = this.#clock.now();
    const arrival = Math.max(now + latency, this.#lastArrival);
    this.#lastArrival = arrival;
    if (arrival <= now) return action();
    this.#clock.timer(arrival - now, () => {
      if (this.#faults.frozen) this.#held.push(action);
      else action();
    });
  }
}
