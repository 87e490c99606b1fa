import net from 'node:net';
import type { Duplex } from 'node:stream';
import { address } from '../core/endpoint.ts';

/** Where byte streams come from: the real network, or one in memory for tests. */
export interface Network {
  /** A stream to there. It is not open yet: it emits `connect`, or `error` and `close`. */
  connect(host: string, port: number): Duplex;
  listen(options: ListenAt, onStream: (stream: Duplex) => void): Promise<Acceptor>;
}

export interface ListenAt {
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** Lets several processes listen on the port, each with a queue of its own (SO_REUSEPORT; Linux and some BSDs). */
  reusePort?: boolean;
  /** A listening socket got from the parent process, instead of one's own. */
  handle?: net.Server;
}

export interface Acceptor {
  readonly port: number;
  /** Takes no new streams; those that are open stay. */
  stop(): Promise<void>;
}

export const tcp: Network = {
  connect(host, port) {
    return net.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
  },

  listen(options, onStream) {
    const { host, port, reusePort = false, handle } = options;
    return new Promise((resolve, reject) => {
      // Half-open: a peer that has said all it wants may still read our answers.
      const server = net.createServer({
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: 30_000,
        allowHalfOpen: true,
      });
      server.on('connection', onStream);
      server.once('error', (error) => reject(listenError(error, options)));
      server.listen(handle ?? { host, port, reusePort }, () => {
        server.removeAllListeners('error');
        // A failed accept (no file descriptors left) concerns one stream, not the server.
        server.on('error', () => {});
        resolve({
          port: (server.address() as net.AddressInfo).port,
          stop: () => new Promise<void>((done) => server.close(() => done())),
        });
      });
    });
  },
};

/** Why a port cannot be had, in one sentence. */
export function listenError(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): Error {
  const at = address({ host, port });
  if (error.code === 'EADDRINUSE') return new Error(`cannot listen on ${at}: the port is in use`, { cause: error });
  if (error.code === 'EACCES') return new Error(`cannot listen on ${at}: not permitted`, { cause: error });
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new Error(`cannot listen on ${at}: "${host}" is no address of this machine`, { cause: error });
  }
  return new Error(`cannot listen on ${at}: ${error.message}`, { cause: error });
}

/** The other end of a stream, for logs and handlers. */
export function peerAddress(stream: Duplex): string {
  if (!(stream instanceof net.Socket) || stream.remoteAddress === undefined) return 'memory';
  return address({ host: stream.remoteAddress, port: stream.remotePort ?? 0 });
}
