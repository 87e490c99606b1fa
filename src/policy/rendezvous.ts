import { hashText } from './balance/hash-text.ts';

/**
 * An order of all nodes for each seed: a node's place in it depends on nothing but the seed and the node's id, is even in [0, 1),
 * and says nothing of its place for another seed. For rendezvous hashing (Thaler, Ravishankar, 1998): who takes the `k` nodes
 * with the highest places has a random `k` of them, and keeps them when others come and go.
 */
export function rendezvous(seed: string): (id: string) => number {
  const high = hashText(seed, 1);
  const low = hashText(seed, 2);
  // 52 bits, as 32 would give two of 10,000 nodes one place every hundredth time.
  return (id) => (hashText(id, high) * 2 ** 20 + (hashText(id, low) >>> 12)) / 2 ** 52;
}
