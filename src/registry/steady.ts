import type { Endpoint } from '../core/endpoint.ts';
import type { View } from './registry.ts';

/**
 * What a run of views comes to. A failure never takes away what was known: `stale` is the last good view and the
 * reason why it may be old.
 */
export type Steady =
  | { state: 'pending' }
  | { state: 'known'; endpoints: readonly Endpoint[] }
  | { state: 'stale'; endpoints: readonly Endpoint[]; cause: Error }
  | { state: 'failed'; cause: Error };

/** One more view. Pure. */
export function steady(before: Steady, view: View): Steady {
  switch (view.state) {
    case 'known':
      return view;
    case 'pending':
      return before;
    case 'failed': {
      const endpoints = endpointsOf(before);
      return endpoints === undefined ? view : { state: 'stale', endpoints, cause: view.cause };
    }
  }
}

/** The best that is known, or undefined if nothing ever was. */
export function endpointsOf(now: Steady): readonly Endpoint[] | undefined {
  return 'endpoints' in now ? now.endpoints : undefined;
}

/** The fewest views that bring someone who saw nothing yet to `now`. */
export function replay(now: Steady): View[] {
  return now.state === 'stale'
    ? [
        { state: 'known', endpoints: now.endpoints },
        { state: 'failed', cause: now.cause },
      ]
    : [now];
}
