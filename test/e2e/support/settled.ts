import assert from 'node:assert/strict';
import { eventually } from './eventually.ts';
import { isReady, type Pod } from './pod.ts';
import type { Release } from './release.ts';

/**
 * Waits until there are so many servers, all of them ready, and each gateway has exactly these as its live ones. Gives the
 * servers' pods.
 */
export function settled(release: Release, servers: number, deadline = 120_000): Promise<Pod[]> {
  return eventually(async () => {
    const pods = await release.pods('server');
    assert.equal(pods.filter(isReady).length, servers, 'servers that are ready');
    assert.equal(pods.length, servers, 'servers that there are');
    const wanted = pods.map(({ status }) => `${status.podIP}:7000`).sort();
    for (const { metadata } of await release.pods('gateway')) {
      const { nodes } = await release.nodes(metadata.name);
      // One that has left and still answers is kept for a while.
      const known = nodes.filter(({ state }) => state !== 'stale' && state !== 'draining');
      assert.deepEqual(known.map(({ addr }) => addr).sort(), wanted, `what ${metadata.name} knows`);
      assert.ok(
        known.every(({ state }) => state === 'live'),
        known.map(({ addr, state }) => `${addr} is ${state}`).join(),
      );
    }
    return pods;
  }, deadline);
}
