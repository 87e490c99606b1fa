/** Values that cannot work end `helm install` with a sentence, before anything is made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Values } from './support/helm.ts';
import { helm } from './support/helm.ts';
import { freshNamespace } from './support/namespace.ts';
import { Release } from './support/release.ts';

const refused: [what: string, values: Values, sentence: RegExp][] = [
  ['a typo', { server: { replicaCout: 3 } }, /server:\n.*additional properties 'replicaCout' not allowed/],
  [
    'a grace that is shorter than the drain',
    { server: { drainDelaySeconds: 30, terminationGracePeriodSeconds: 20 } },
    /server\.terminationGracePeriodSeconds is 20: .*drainDelaySeconds \(30\).*make it at least 33/,
  ],
  ['two ZooKeepers', { zookeeper: { replicaCount: 2 } }, /zookeeper\.replicaCount is 2: choose 1, 3 or 5/],
  [
    'an autoscaler whose most is less than its least',
    { server: { autoscaling: { enabled: true, minReplicas: 3, maxReplicas: 2 } } },
    /server\.autoscaling\.maxReplicas is 2, less than minReplicas, 3: make it at least as many/,
  ],
];

test('helm install refuses', { timeout: 300_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'refusals');
  for (const [what, values, sentence] of refused) {
    await t.test(what, async () => {
      const { status, stderr } = await new Release({ namespace, values }).attemptInstall();
      assert.notEqual(status, 0);
      assert.match(stderr, sentence);
    });
  }
  assert.equal(await helm(['list', '--all', '--short', '--namespace', namespace]), '', 'no release was begun');
});
