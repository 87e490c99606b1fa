import { AsyncLocalStorage } from 'node:async_hooks';
import type { Call, Cancellable } from './call.ts';

type Working = Call & Cancellable;

/**
 * The call that the code at hand works for. Calls made meanwhile inherit its deadline, its cancel and its attempt number,
 * so that work nobody waits for ends all along the chain, and only one link of it retries.
 */
const current = new AsyncLocalStorage<Working>();

let wanted = false;

/**
 * From now on, code knows which call it works for. To be called by whoever may ask: the code of clients, when it is
 * loaded. A server that has none is spared what it costs to keep the call in mind.
 */
export function enableInheritance(): void {
  wanted = true;
}

export function runFor<T>(call: Working, work: () => T): T {
  return wanted ? current.run(call, work) : work();
}

/** Undefined too for what a handler has left behind: a cache that refreshes itself must not die of its first caller. */
export function currentCall(): Working | undefined {
  const call = current.getStore();
  return call === undefined || call.ended ? undefined : call;
}
