/** Three ZooKeeper members and a secret: what servers register is theirs, and the secret shows nowhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { freshId } from '../../src/core/random.ts';
import { helm } from './support/helm.ts';
import { apply, kubectl, list, logs } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import type { Pod } from './support/pod.ts';
import { Release } from './support/release.ts';
import { settled } from './support/settled.ts';
import { probe } from './zookeeper/probe.ts';

/** ms. */
const promised = 120_000;

test('an ensemble of three with a secret for the registry', { timeout: 900_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'secret');
  const password = freshId();
  await apply(namespace, [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'evenkeel-registry' },
      stringData: { auth: `digest:evenkeel:${password}` },
    },
  ]);
  // The class of the cluster's own: the example names one.
  const zookeeper = { persistence: { storageClassName: '' } };
  const release = new Release({ namespace, files: ['ci/ensemble-values.yaml'], values: { zookeeper } });

  await t.test('is ready in less than two minutes, and passes helm test', async (t) => {
    const since = systemClock.now();
    await release.install();
    const took = systemClock.now() - since;
    t.diagnostic(`ready after ${(took / 1_000).toFixed(1)} s`);
    if (took >= promised) assert.fail(`ready after ${Math.round(took)} ms\n${await startOfPods(namespace)}`);
    await settled(release, 2);
    const { status, stdout, stderr } = await release.test();
    assert.equal(status, 0, `${stdout}${stderr}`);
  });

  await t.test('lets nobody without the secret read or write what is registered', async () => {
    const folder = `/evenkeel/${namespace}/evenkeel/pi`;
    const { children, data } = await probe(release, folder, 'owner');
    assert.ok(Array.isArray(children) && children.length === 2, `${children}`);
    assert.equal(data, 'ok');
    const stranger = await probe(release, folder, { strangerTo: children[0]! });
    const tried = ['children', 'data', 'change', 'remove', 'register', 'configure'];
    assert.deepEqual(stranger, Object.fromEntries(tried.map((deed) => [deed, 'NO_AUTH'])));
    await settled(release, 2);
  });

  await t.test('shows the secret nowhere', async () => {
    const pods = await list<Pod>(namespace, 'pods');
    assert.equal(pods.length, 7);
    const shown: [where: string, text: string][] = [
      ['helm get all', await helm(['get', 'all', release.name, '--namespace', namespace])],
      ['helm history', await helm(['get', 'values', '--all', release.name, '--namespace', namespace])],
      ['objects', await kubectl(['get', 'all,configmaps,events', '--namespace', namespace, '--output=yaml'])],
    ];
    for (const { metadata } of pods) {
      const { name } = metadata;
      shown.push([`log of ${name}`, await logs(namespace, name)]);
      shown.push([`description of ${name}`, await kubectl(['describe', 'pod', name, '--namespace', namespace])]);
      if (name.includes('zookeeper')) continue;
      for (const path of ['/nodes', '/metrics'] as const)
        shown.push([`${path} of ${name}`, await release.page(name, path)]);
    }
    for (const [where, text] of shown) {
      assert.ok(text.length > 100, `${where} says something: ${text}`);
      assert.ok(!text.includes(password), `${where} has the secret`);
      assert.ok(!text.includes(Buffer.from(password).toString('base64').slice(0, 20)), `${where} has it in base64`);
    }
  });
});

/** When each pod was made, and when it became ready: a line each. */
function startOfPods(namespace: string): Promise<string> {
  const ready = '{.status.conditions[?(@.type=="Ready")]';
  const line = `{.metadata.name} made {.metadata.creationTimestamp} ready ${ready}.status} since ${ready}.lastTransitionTime}`;
  const output = `--output=jsonpath={range .items[*]}${line}{"\\n"}{end}`;
  return kubectl(['get', 'pods', '--namespace', namespace, output]);
}
