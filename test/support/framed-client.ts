/** A client of ours at a server by hand. */
import assert from 'node:assert/strict';
import type { DialOptions } from '../../src/transport/dial.ts';
import { frame, hello, type RawPeer, type } from './raw-peer.ts';
import { connected, type OurClient, rawServer, type StoppableClock, watched } from './transport.ts';

export interface Scene extends OurClient {
  clock: StoppableClock;
  /** The server, by hand. The client's preface is skipped. */
  server: RawPeer;
}

/** A client whose server has said HELLO, and does nothing else on its own. */
export async function scene(changes: Partial<DialOptions> = {}, said = hello()): Promise<Scene> {
  const { network, clock, peers } = await rawServer();
  const listening = network.connect.bind(network);
  network.connect = (host, port) => {
    const stream = listening(host, port);
    setImmediate(() => peers[0]!.send(said));
    return stream;
  };
  const dialled = await connected(network, clock, changes);
  const server = peers[0]!;
  assert.equal(server.skip(5).toString('hex'), '45564b4c01');
  return Object.assign(dialled, { clock, server });
}

export const drain = (lastId: number) => frame(type.drain, lastId);
/** The last call that is served, while all are. */
export const none = 2 ** 32 - 1;

/** What becomes of a promise, when all that is ready has run. */
export async function settled<T>(clock: StoppableClock, promise: Promise<T>) {
  const seen = watched(promise);
  await clock.run(0);
  return seen;
}
