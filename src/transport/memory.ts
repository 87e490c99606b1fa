import { type Duplex, duplexPair } from 'node:stream';
import { address } from '../core/endpoint.ts';
import type { Acceptor, ListenAt, Network } from './network.ts';

/** A network inside the process: no ports, no sockets, and what is written arrives in the same order in the same tick or the next. */
export class MemoryNetwork implements Network {
  readonly #listeners = new Map<string, (stream: Duplex) => void>();
  #nextPort = 1;

  connect(host: string, port: number): Duplex {
    const [near, far] = duplexPair();
    process.nextTick(() => {
      const onStream = this.#listeners.get(address({ host, port }));
      if (onStream === undefined) {
        near.destroy(
          Object.assign(new Error(`connect ECONNREFUSED ${address({ host, port })}`), { code: 'ECONNREFUSED' }),
        );
        return;
      }
      // Like a socket, an end that goes away takes the other with it.
      near.once('close', () => far.destroy());
      far.once('close', () => near.destroy());
      onStream(far);
      near.emit('connect');
    });
    return near;
  }

  listen({ host, port }: ListenAt, onStream: (stream: Duplex) => void): Promise<Acceptor> {
    const at = { host, port: port === 0 ? this.#nextPort++ : port };
    if (this.#listeners.has(address(at)))
      return Promise.reject(new Error(`cannot listen on ${address(at)}: the port is in use`));
    this.#listeners.set(address(at), onStream);
    return Promise.resolve({
      port: at.port,
      stop: async () => {
        this.#listeners.delete(address(at));
      },
    });
  }
}
