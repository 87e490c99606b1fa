/** A case is run against the embedded ZooKeeper and against Apache's: both must behave as it says. */
import { type Handshake, RawClient } from '../support/raw-zookeeper-client.ts';

export interface Case {
  name: string;
  run(scene: Scene): Promise<void>;
}

/** What a case works with: a server, and a folder of its own on it. */
export class Scene {
  readonly port: number;
  /** Exists and is empty. */
  readonly folder: string;
  readonly #toClose: (() => unknown)[] = [];

  constructor(port: number, folder: string) {
    this.port = port;
    this.folder = folder;
  }

  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** A client whose session is closed after the case: one that were left to expire would be a transaction in another. */
  async client(handshake: Handshake = {}): Promise<RawClient> {
    const client = await RawClient.connect(this.port, handshake);
    this.onClose(async () => {
      if (client.timeout > 0) await client.closeSession().catch(() => {});
      client.destroy();
    });
    return client;
  }

  /** A socket on which nothing was sent. */
  bare(): RawClient {
    const client = RawClient.bare(this.port);
    this.onClose(() => client.destroy());
    return client;
  }

  onClose(close: () => unknown): void {
    this.#toClose.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#toClose) await close();
  }
}
