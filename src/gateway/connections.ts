import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { Gauge } from '../core/metrics.ts';
import { jitter, type Random } from '../core/random.ts';
import type { GatewayLimits } from './limits.ts';

interface Connection {
  /** When it is old, on the clock. */
  readonly oldAt: number;
  /** How many requests it may still carry. */
  requestsLeft: number;
  /** Requests that are not answered yet. */
  busy: number;
  /** The request that came last. */
  newest: IncomingMessage | undefined;
  /** How much had been read when nothing was under way: more than that is a request on its way in. */
  bytesAtRest: number;
  /** An answer said that it was the last one. */
  closing: boolean;
}

/** How long a client may take to close its half of a connection that we have ended, ms. */
const patience = 1_000;

export interface ConnectionsOptions {
  limits: Pick<GatewayLimits, 'connectionAge' | 'connectionRequests' | 'unread'>;
  clock: Clock;
  random: Random;
  /** Shows how many are open. */
  open: Gauge;
}

/**
 * The HTTP connections of a server, from their opening to their end. A connection is ended by saying `Connection: close` on an
 * answer wherever possible: then the client knows, and no request meets a closed socket.
 */
export class Connections {
  readonly #server: Server;
  readonly #options: ConnectionsOptions;
  readonly #connections = new Map<Socket, Connection>();
  /** Sizes of answers that the kernel has not taken in full, the oldest first. */
  readonly #unread = new Map<ServerResponse, number>();
  #unreadBytes = 0;
  #draining = false;
  #onEmpty: (() => void) | undefined;

  constructor(server: Server, options: ConnectionsOptions) {
    this.#server = server;
    this.#options = options;
    server.on('connection', (socket: Socket) => this.#opened(socket));
    server.on('timeout', (socket: Socket) => this.#timedOut(socket));
  }

  get size(): number {
    return this.#connections.size;
  }

  /**
   * Takes note of a request and of its end. False if it must not be worked on, because its answer could not be delivered: an
   * earlier answer on this connection was the last one.
   */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request;
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.closing || socket.writableEnded) return false;
    connection.busy++;
    connection.requestsLeft--;
    connection.newest = request;
    response.on('close', () => {
      connection.busy--;
      connection.bytesAtRest = socket.bytesRead;
    });
    return true;
  }

  /** Decides, right before the answer to this request, whether it is the connection's last one, and must say so. */
  closeAfter(request: IncomingMessage): boolean {
    const connection = this.#connections.get(request.socket);
    // The answers to requests behind this one would be lost: the last of them says it.
    if (connection === undefined || connection.newest !== request) return false;
    connection.closing =
      this.#draining || connection.requestsLeft <= 0 || this.#options.clock.now() >= connection.oldAt;
    return connection.closing;
  }

  /**
   * Takes note of a large answer, right after it was written. Together they are bounded: clients that ask for much and do not
   * read would fill the memory long before each has used up its time.
   */
  written(response: ServerResponse, size: number): void {
    if (response.writableFinished || response.destroyed) return;
    this.#unread.set(response, size);
    this.#unreadBytes += size;
    response.on('close', () => {
      if (this.#unread.delete(response)) this.#unreadBytes -= size;
    });
    for (const [oldest, bytes] of this.#unread) {
      if (this.#unreadBytes <= this.#options.limits.unread) break;
      this.#unread.delete(oldest);
      this.#unreadBytes -= bytes;
      oldest.destroy();
    }
  }

  /**
   * Calls back when the time of this connection is over, unless what it needs to live is here already: after a busy moment, or
   * when the processor was given to others, timers run before what has arrived meanwhile is read.
   */
  whenReallyOver(socket: Socket, callback: () => void): void {
    const before = this.#lastWhole(socket);
    setImmediate(() => {
      if (this.#lastWhole(socket) === before) callback();
    });
  }

  /** True if a request that came in whole waits for its answer. */
  owesAnswer(socket: Socket): boolean {
    const { busy, newest } = this.#connections.get(socket) ?? { busy: 0, newest: undefined };
    return busy > 1 || (busy === 1 && newest?.complete === true);
  }

  /** From now on each answer is the last one on its connection. */
  drain(): void {
    this.#draining = true;
  }

  /** Takes no new connections, ends those at rest, and resolves when all are gone. Those at work end with their answer. */
  async finish(): Promise<void> {
    // Not the HTTP server's own `close`: it destroys connections at rest and stops looking after slow ones.
    NetServer.prototype.close.call(this.#server);
    // As in `whenReallyOver`: a connection whose request has arrived and was not read yet is not at rest.
    await new Promise(setImmediate);
    const resting = [...this.#connections].filter(([socket, c]) => c.busy === 0 && socket.bytesRead === c.bytesAtRest);
    // Only our half: what arrives at this very moment is read and not worked on, and the peer sees an end, not a reset.
    for (const [socket] of resting) socket.end();
    const timer = this.#options.clock.timer(patience, () => {
      for (const [socket] of resting) socket.destroy();
    });
    if (this.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
    timer.cancel();
  }

  destroyAll(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #opened(socket: Socket): void {
    const { limits, clock, random, open } = this.#options;
    this.#connections.set(socket, {
      oldAt: clock.now() + jitter(limits.connectionAge, 0.2, random),
      requestsLeft: Math.round(jitter(limits.connectionRequests, 0.2, random)),
      busy: 0,
      newest: undefined,
      bytesAtRest: 0,
      closing: false,
    });
    open.set(this.size);
    socket.once('close', () => {
      this.#connections.delete(socket);
      open.set(this.size);
      if (this.size === 0) this.#onEmpty?.();
    });
  }

  /** The request that came last, if all of it has come. */
  #lastWhole(socket: Socket): IncomingMessage | undefined {
    const newest = this.#connections.get(socket)?.newest;
    return newest?.complete ? newest : undefined;
  }

  /** Nothing was read or written for a while. While we work on a request that is all right, unless the client does not read. */
  #timedOut(socket: Socket): void {
    this.whenReallyOver(socket, () => {
      const busy = this.#connections.get(socket)?.busy ?? 0;
      if (busy === 0 || socket.writableLength > 0) socket.destroy();
    });
  }
}
