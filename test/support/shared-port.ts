/** A port that several hosts of one test share, as worker processes do: each connection goes to the next of them. */
import type { Duplex } from 'node:stream';
import type { Acceptor, ListenAt, Network } from '../../src/transport/network.ts';

export class SharedPort implements Network {
  readonly #inner: Network;
  #takers: ((stream: Duplex) => void)[] = [];
  #acceptor: Promise<Acceptor> | undefined;
  #turn = 0;

  constructor(inner: Network) {
    this.#inner = inner;
  }

  connect(host: string, port: number): Duplex {
    return this.#inner.connect(host, port);
  }

  async listen(at: ListenAt, onStream: (stream: Duplex) => void): Promise<Acceptor> {
    this.#takers.push(onStream);
    this.#acceptor ??= this.#inner.listen(at, (stream) => {
      const taker = this.#takers[this.#turn++ % this.#takers.length];
      if (taker === undefined) stream.destroy();
      else taker(stream);
    });
    const { port } = await this.#acceptor;
    return {
      port,
      stop: async () => {
        this.#takers = this.#takers.filter((taker) => taker !== onStream);
        if (this.#takers.length > 0) return;
        await (await this.#acceptor)?.stop();
        this.#acceptor = undefined;
      },
    };
  }
}
