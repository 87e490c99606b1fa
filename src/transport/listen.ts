import type { Duplex } from 'node:stream';
import { every } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { preface, sniff } from '../wire/preface.ts';
import { ClassicServer } from './classic/server.ts';
import { FramedServer } from './framed/server.ts';
import { type ListenAt, type Network, peerAddress } from './network.ts';
import { logBadPeer, type ServedConnection, type ServedOptions } from './served.ts';

export interface ListenOptions extends Omit<ServedOptions, 'onClose'> {
  network: Network;
  at: ListenAt;
}

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

/** Serves both protocols on one port: a client's first bytes tell which it speaks. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { clock, network, at } = options;
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
  const sweep = every(clock, 1_000, () => {
    const now = clock.now();
    for (const connection of connections) connection.check(now);
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

/** A connection whose protocol is not known yet; then the one that it turned out to be. */
class Sniffer implements ServedConnection {
  readonly #stream: Duplex;
  readonly #options: ServedOptions;
  /** When the first byte came. */
  #since = 0;
  #first: Buffer = Buffer.alloc(0);
  #connection: ServedConnection | undefined;
  #draining = false;

  constructor(stream: Duplex, options: ServedOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
  }

  get inFlight(): number {
    return this.#connection?.inFlight ?? 0;
  }

  drain(): void {
    this.#draining = true;
    this.#connection?.drain();
  }

  refuse(): void {
    // Who has not said a word has no call at work.
    if (this.#connection === undefined) this.#stream.destroy();
    else this.#connection.refuse();
  }

  check(now: number): void {
    if (this.#connection !== undefined) return this.#connection.check(now);
    // Nothing said at all may be an idle classic peer; a part of a first word is somebody slow on purpose.
    if (this.#first.length > 0 && now - this.#since > this.#options.limits.headerTimeout) this.#stream.destroy();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#first.length === 0) this.#since = this.#options.clock.now();
    this.#first = this.#first.length === 0 ? chunk : Buffer.concat([this.#first, chunk]);
    const protocol = sniff(this.#first);
    if (protocol === undefined) return;
    if (protocol === 'unknown-version') {
      const error = new RpcError(
        'UNIMPLEMENTED',
        `version ${this.#first[4]} of the protocol is not known here: expected 1`,
      );
      logBadPeer(this.#options.log, peerAddress(this.#stream), error);
      this.#stream.destroy();
      return;
    }
    for (const [event, listener] of [
      ['data', this.#onData],
      ['end', this.#onEnd],
      ['error', this.#onError],
      ['close', this.#onClose],
    ] as const) {
      this.#stream.off(event, listener);
    }
    const framed = protocol === 'framed';
    const connection = framed
      ? new FramedServer(this.#stream, this.#options)
      : new ClassicServer(this.#stream, this.#options);
    this.#connection = connection;
    if (this.#draining) connection.drain();
    const rest = framed ? this.#first.subarray(preface.length) : this.#first;
    this.#first = Buffer.alloc(0);
    if (rest.length > 0) connection.push(rest);
  };

  readonly #onEnd = (): void => {
    this.#stream.destroy();
  };

  readonly #onError = (): void => {};

  readonly #onClose = (): void => {
    this.#options.onClose();
  };
}
