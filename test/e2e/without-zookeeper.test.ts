/** The chart with Kubernetes itself as the registry: no ZooKeeper, and gateways that read EndpointSlices and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempt } from './support/command.ts';
import { eventually } from './support/eventually.ts';
import { tag } from './support/images.ts';
import { kubectl, list } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import type { Pod } from './support/pod.ts';
import { install } from './support/release.ts';
import { settled } from './support/settled.ts';

test('the chart without ZooKeeper', { timeout: 600_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'without-zk');
  const release = await install({
    namespace,
    files: ['ci/kubernetes-registry-values.yaml'],
    values: {
      server: { replicaCount: 1 },
      // The example has a pager, which there is not here.
      gateway: { replicaCount: 1, image: { tag: `${tag}-kubernetes` }, webhook: { existingSecret: '' } },
    },
  });

  await t.test('answers, and passes helm test', async () => {
    await settled(release, 1);
    assert.equal(await eventually(() => release.call('pi', 98)), 3.138375782574414);
    const { status, stdout, stderr } = await release.test();
    assert.equal(status, 0, `${stdout}${stderr}`);
    const components = (await list<Pod>(namespace, 'pods')).map(
      ({ metadata }) => metadata.labels!['app.kubernetes.io/component'],
    );
    assert.deepEqual(components.sort(), ['gateway', 'server']);
  });

  await t.test('sees servers come and go', async () => {
    await release.upgrade({ server: { replicaCount: 3 } });
    await settled(release, 3);
    await release.upgrade({ server: { replicaCount: 1 } });
    await settled(release, 1);
    assert.equal(await release.call('ping', 'one'), 'one');
  });

  await t.test('gives gateways the right to that alone, and servers none', async () => {
    const may = async (account: string, verb: string, what: string) => {
      const as = `--as=system:serviceaccount:${namespace}:evenkeel-${account}`;
      const { stdout } = await attempt('kubectl', ['auth', 'can-i', verb, what, '--namespace', namespace, as]);
      return stdout.trim();
    };
    for (const verb of ['list', 'watch']) {
      assert.equal(await may('gateway', verb, 'endpointslices.discovery.k8s.io'), 'yes', verb);
      assert.equal(await may('server', verb, 'endpointslices.discovery.k8s.io'), 'no', verb);
    }
    for (const [verb, what] of [
      ['get', 'endpointslices.discovery.k8s.io'],
      ['update', 'endpointslices.discovery.k8s.io'],
      ['get', 'secrets'],
      ['list', 'pods'],
      ['get', 'services'],
    ] as const) {
      assert.equal(await may('gateway', verb, what), 'no', `${verb} ${what}`);
    }
    const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';
    const [server] = await release.pods('server');
    const look = ['exec', server!.metadata.name, '--namespace', namespace, '--', 'ls', token];
    await assert.rejects(kubectl(look), /No such file/);
  });
});
