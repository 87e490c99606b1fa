/** ZooKeeper is away: at the installation, later, and when a server starts. Nobody who served stops, nobody is restarted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { eventually } from './support/eventually.ts';
import { kubectl, logs } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import { isReady, type Pod, restarts } from './support/pod.ts';
import { Release } from './support/release.ts';
import { settled } from './support/settled.ts';

/** ms: longer than a session (10 s), its expiry (2 ticks) and the readiness probes that would follow (2 x 2 s). */
const sessionOver = 20_000;
/** ms: several readiness probes, where there is no session yet. */
const probed = 8_000;
/** How often pods are looked at, however long that takes. */
const leastRounds = 5;

test('ZooKeeper is away', { timeout: 900_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'away');
  const values = {
    zookeeper: { enabled: false },
    global: { registry: { hosts: 'zk-zookeeper:2181' } },
    gateway: { replicaCount: 1 },
  };
  const release = new Release({ namespace, values, wait: false });
  const zookeeper = new Release({ namespace, name: 'zk', part: 'zookeeper' });
  const scaleZooKeeper = async (replicas: number) => {
    await kubectl(['scale', 'statefulset/zk-zookeeper', '--namespace', namespace, `--replicas=${replicas}`]);
  };
  const pods = async () => [...(await release.pods('server')), ...(await release.pods('gateway'))];

  await t.test('at the installation: pods wait for it, and are not restarted', async () => {
    await release.install();
    await eventually(async () => {
      const all = await pods();
      assert.equal(all.length, 3);
      for (const { metadata, status } of all) {
        assert.ok(status.containerStatuses?.[0]?.started, `${metadata.name} has started`);
        assert.match(await logs(namespace, metadata.name), /ZooKeeper is away/);
      }
    });
    await unchanged(pods, probed, (pod) => assert.ok(!isReady(pod), `${pod.metadata.name} is ready for nothing`));
  });

  await t.test('it comes: they register, and are ready', async () => {
    await zookeeper.install();
    await settled(release, 2);
    assert.equal(await release.call('ping', 'first'), 'first');
    for (const pod of await pods()) {
      assert.ok(isReady(pod));
      assert.equal(restarts(pod), 0);
    }
  });

  await t.test('later: those that serve go on, and calls are answered', async () => {
    await scaleZooKeeper(0);
    await eventually(async () => assert.deepEqual(await zookeeper.pods('zookeeper'), []));
    for (const pod of await release.pods('server')) {
      await eventually(async () => assert.match(await logs(namespace, pod.metadata.name), /connection ended/));
    }
    let calls = 0;
    await unchanged(pods, sessionOver, async (pod) => {
      assert.ok(isReady(pod), `${pod.metadata.name} is ready`);
      assert.equal(await release.call('ping', calls), calls++);
    });
    assert.ok(calls > 10, `${calls} calls`);
  });

  await t.test('a server that starts meanwhile waits, and registers when it is back', async () => {
    const before = (await release.pods('server')).map(({ metadata }) => metadata.name);
    await kubectl(['scale', 'deployment/evenkeel-server', '--namespace', namespace, '--replicas=3']);
    const newcomer = await eventually(async () => {
      const found = (await release.pods('server')).find(({ metadata }) => !before.includes(metadata.name));
      assert.ok(found?.status.containerStatuses?.[0]?.started, 'it has started');
      assert.match(await logs(namespace, found.metadata.name), /ZooKeeper is away/);
      return found;
    });
    assert.ok(!isReady(newcomer));
    await scaleZooKeeper(1);
    await settled(release, 3);
    for (const pod of await pods()) assert.equal(restarts(pod), 0, pod.metadata.name);
  });
});

/**
 * Looks at pods again and again, for so many ms and so many rounds: each must be as `check` says, the same as at first, and
 * never restarted.
 */
async function unchanged(
  pods: () => Promise<Pod[]>,
  duration: number,
  check: (pod: Pod) => void | Promise<void>,
): Promise<void> {
  const lasting = (pod: Pod) => {
    const ready = pod.status.conditions?.find(({ type }) => type === 'Ready');
    return [pod.metadata.name, restarts(pod), ready?.status, ready?.lastTransitionTime].join(' ');
  };
  const first = (await pods()).map(lasting).sort();
  const since = systemClock.now();
  for (let round = 0; round < leastRounds || systemClock.now() - since < duration; round++) {
    const now = await pods();
    assert.deepEqual(now.map(lasting).sort(), first);
    for (const pod of now) await check(pod);
    await systemClock.sleep(500);
  }
}
