import { randomBytes } from 'node:crypto';

/** A number in [0, 1), evenly spread. Always a parameter, so that a test or a simulation can be repeated by its seed. */
export type Random = () => number;

/** The process's own randomness: the only use of `Math.random` (lint sees to it). Not for secrets. */
export const systemRandom: Random = Math.random;

/** Repeatable randomness: mulberry32 (Tommy Ettinger, public domain), 32 bits of state. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** `value` moved up or down by at most `spread` of itself: jitter(500, 0.2, r) is in 400..600. */
export function jitter(value: number, spread: number, random: Random): number {
  return value * (1 - spread + 2 * spread * random());
}

/** Sixteen hex digits that no other process start has: an instance id. */
export function freshId(): string {
  return randomBytes(8).toString('hex');
}
