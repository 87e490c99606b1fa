/** Each part of the chart is a chart of its own: together they make the same stack. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './support/eventually.ts';
import { kubectl, list, logs } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import type { Pod } from './support/pod.ts';
import { install, type Release } from './support/release.ts';

test('every part can be installed alone', { timeout: 600_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'parts');
  const registry = { hosts: 'zk-zookeeper:2181', folder: '/shop' };
  let gateway: Release;

  await t.test('zookeeper', async () => {
    await install({ namespace, name: 'zk', part: 'zookeeper' });
  });

  await t.test('server, ready as soon as it is registered', async () => {
    await install({ namespace, name: 'one', part: 'server', values: { global: { registry }, replicaCount: 1 } });
  });

  await t.test('gateway, whose calls the servers of the other release answer', async () => {
    const url = 'zookeeper://zk-zookeeper:2181/shop/pi';
    const values = { global: { registry: { url } }, replicaCount: 1 };
    gateway = await install({ namespace, name: 'two', part: 'gateway', values });
    assert.equal(await eventually(() => gateway.call<string>('ping', 'alone')), 'alone');
  });

  await t.test('loadtest, whose Job ends well', async () => {
    const values = { url: 'http://two-gateway:8080', rate: 5, durationSeconds: 3 };
    await install({ namespace, name: 'load', part: 'loadtest', values });
    const job = ['wait', '--namespace', namespace, '--for=condition=Complete', 'job/load-loadtest-1'];
    await kubectl([...job, '--timeout=120s'], { deadline: 130_000 });
    const [pod] = await list<Pod>(namespace, 'pods', 'app.kubernetes.io/component=loadtest');
    assert.match(await logs(namespace, pod!.metadata.name), /http_reqs/);
  });
});
