import type { Duplex } from 'node:stream';
import { address, type Endpoint } from '../core/endpoint.ts';
import { RpcError } from '../core/error.ts';
import { ClassicClient } from './classic/client.ts';
import type { Connection, ConnectionEvents, ConnectionOptions } from './connection.ts';
import { FramedClient } from './framed/client.ts';
import type { Network } from './network.ts';

export interface DialOptions extends ConnectionOptions {
  network: Network;
  /** How long the server may take until it has said HELLO, ms. */
  helloTimeout: number;
  /** The service that must be there; `undefined` where any will do. */
  service: string | undefined;
}

type Dialled = FramedClient | ClassicClient;

/**
 * Opens a connection and waits for the server's first word. Rejects with an unsent RpcError: CONNECT_FAILED, or STALE
 * where someone else answers at the address (addresses of pods are used again).
 */
export function dial(endpoint: Endpoint, options: DialOptions, events: ConnectionEvents): Promise<Connection> {
  const { clock, limits, heartbeat, random, network } = options;
  return new Promise((resolve, reject) => {
    let state: 'dialling' | 'open' | 'failed' = 'dialling';
    const fail = (error: RpcError) => {
      if (state !== 'dialling') return;
      state = 'failed';
      timer.cancel();
      stream.destroy();
      reject(error);
    };
    const stream = connect(network, endpoint);
    const timer = clock.timer(
      options.helloTimeout,
      () => fail(failed(endpoint, `no answer within ${options.helloTimeout} ms`)),
      { keepAlive: true },
    );
    const connection: Dialled = open(
      endpoint,
      stream,
      { clock, limits, heartbeat, random },
      {
        onHello() {
          const stale = whyStale(endpoint, connection, options.service);
          if (stale !== undefined) return fail(stale);
          state = 'open';
          timer.cancel();
          resolve(connection);
        },
        onDrain: () => events.onDrain(),
        onClose(cause) {
          if (state === 'open') events.onClose(cause);
          else fail(failed(endpoint, whyNot(cause), cause));
        },
      },
    );
  });
}

/** Where the stream itself failed, in the system's words: nothing was lost that was not there yet. */
function whyNot({ cause, message, reason }: RpcError): string {
  return reason === 'CONNECTION_LOST' && cause instanceof Error && !RpcError.is(cause) ? cause.message : message;
}

/** Throws where the address is none. */
function connect(network: Network, { host, port }: Endpoint): Duplex {
  try {
    return network.connect(host, port);
  } catch (cause) {
    throw failed({ host, port }, (cause as Error).message, cause);
  }
}

function open(
  endpoint: Endpoint,
  stream: Duplex,
  options: ConnectionOptions,
  events: ConnectionEvents & { onHello(): void },
): Dialled {
  return endpoint.protocol === 'classic'
    ? new ClassicClient(stream, options, events)
    : new FramedClient(stream, options, events);
}

function whyStale(endpoint: Endpoint, { hello }: Connection, service: string | undefined): RpcError | undefined {
  if (hello === undefined) return undefined;
  if (service !== undefined && hello.service !== service) {
    return stale(endpoint, `service "${hello.service}" answers, expected "${service}"`);
  }
  if (endpoint.idAnnounced && hello.instance !== endpoint.id) {
    return stale(endpoint, `instance ${hello.instance} answers, expected ${endpoint.id}`);
  }
  return undefined;
}

function stale(endpoint: Endpoint, why: string): RpcError {
  return new RpcError('UNAVAILABLE', `${address(endpoint)} is another server: ${why}`, {
    reason: 'STALE',
    stage: 'unsent',
  });
}

function failed(endpoint: Pick<Endpoint, 'host' | 'port'>, why: string, cause?: unknown): RpcError {
  const message = `cannot connect to ${address(endpoint)}: ${why}`;
  return new RpcError('UNAVAILABLE', message, { reason: 'CONNECT_FAILED', stage: 'unsent', cause });
}
