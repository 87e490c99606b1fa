/**
 * Who vanished without a word. A pod that ends is told of as one that ends before it is gone; but one that moves from one
 * slice to another may stand in neither for a moment, because each slice is written on its own. Pure.
 */
import type { Endpoint } from '../../core/endpoint.ts';
import { byId, type Reading } from './slices.ts';

export interface Shown {
  endpoints: readonly Endpoint[];
  /** Which of them are in no slice, by id, and since when: clock's ms. */
  vanished: ReadonlyMap<string, number>;
}

export const nobody: Shown = { endpoints: [], vanished: new Map() };

/**
 * Whom to show, after whom was shown before.
 *
 * @param patience how long to wait for the word of one who vanished, ms
 */
export function bridge(before: Shown, { endpoints, hosts }: Reading, now: number, patience: number): Shown {
  const here = new Set(endpoints.map(({ id }) => id));
  const vanished = new Map<string, number>();
  const kept: Endpoint[] = [];
  for (const one of before.endpoints) {
    // One that is told of otherwise, as not ready or with another port, is no mystery.
    if (here.has(one.id) || hosts.has(one.host)) continue;
    const since = before.vanished.get(one.id) ?? now;
    if (now - since >= patience) continue;
    vanished.set(one.id, since);
    kept.push(one);
  }
  return { endpoints: kept.length === 0 ? endpoints : [...endpoints, ...kept].sort(byId), vanished };
}

/** Since when the first of them is away, `Infinity` if nobody is. */
export function firstVanished({ vanished }: Shown): number {
  return Math.min(...vanished.values());
}
