import { AsyncLocalStorage } from 'node:async_hooks';
import type { Call } from './call.ts';

/**
 * The call that the code at hand works for. Calls made meanwhile inherit its deadline, its cancel and its attempt number,
 * so that work nobody waits for ends all along the chain, and only one link of it retries.
 */
const current = new AsyncLocalStorage<Call>();

export function runFor<T>(call: Call, work: () => T): T {
  return current.run(call, work);
}

export function currentCall(): Call | undefined {
  return current.getStore();
}
