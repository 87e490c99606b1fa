/** A client by hand at a server of ours. */
import assert from 'node:assert/strict';
import { jsonOf, preface, type RawPeer, type } from './raw-peer.ts';
import type { World } from './transport.ts';

/** A client by hand that has said the preface and heard HELLO. */
export async function greeted({ knock, settle }: World, reads = true): Promise<RawPeer> {
  const client = knock(reads);
  client.send(preface);
  await settle();
  if (reads) {
    const [first] = client.frames;
    assert.equal(first?.type, type.hello);
    client.skip(4 + 5 + first.body.length);
  }
  return client;
}

/** Code and reason of errors. */
export const labels = (frames: { body: Buffer }[]) => frames.map((it) => [jsonOf(it).code, jsonOf(it).reason]);
