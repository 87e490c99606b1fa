/** The ways in which several processes can answer on one port. What `listening.ts` compares. */
export const modes = ['cluster-rr', 'cluster-none', 'fork-handle', 'fork-reuseport', 'hand-out'] as const;
export type Mode = (typeof modes)[number];

export const host = '127.0.0.1';

/** Each message of the test protocol, both ways, fills so many bytes. Its first says what it is. */
export const messageSize = 64;
export const echo = 'E'.charCodeAt(0);
/** Answered after `slowAnswer` ms: a call that is in flight while something breaks. */
export const slow = 'S'.charCodeAt(0);
export const slowAnswer = 500;
/** What a worker burns per echo, ms: so that the workers, not the one client, are what limits. */
export const echoWork = 0.05;

/** Primary to worker. `listen` is left out where the primary gives the worker a server or sockets. */
export type ToWorker = { type: 'listen'; port: number } | { type: 'retire' } | { type: 'lend' } | { type: 'given' };
/** Worker to primary. */
export type FromWorker = { type: 'ready'; port: number } | { type: 'lent' } | { type: 'taken'; id: number };
/** Primary to the bench. */
export type FromPrimary =
  | { type: 'up'; port: number; pids: number[] }
  | { type: 'replaced'; pids: number[] }
  | { type: 'failed'; code: string };
/** The bench to the primary. */
export type ToPrimary = { type: 'roll' };
