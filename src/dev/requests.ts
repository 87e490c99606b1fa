import type { Database, Peer } from './database.ts';
import { type JuteReader, JuteWriter } from './jute.ts';
import { reads } from './reads.ts';
import { writes } from './writes.ts';

export function isKnown(type: number): boolean {
  return reads.has(type) || writes.has(type);
}

/**
 * What a known request is answered with: the body behind the reply's header, in pieces. Refusals are thrown as
 * ZooKeeperError; JuteError means that the bytes are no such request.
 */
export function answer(type: number, request: JuteReader, database: Database, peer: Peer): readonly Buffer[] {
  const read = reads.get(type);
  if (read !== undefined) return read(request, database, peer);
  const writer = new JuteWriter();
  const work = writes.get(type)!(request);
  database.write(peer, (txn) => work(database.tree, txn))(writer);
  return [writer.done()];
}
