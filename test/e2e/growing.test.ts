/** ZooKeeper grows from one member to three: what it knows is kept, and calls go on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './support/eventually.ts';
import { exec, kubectl } from './support/kubectl.ts';
import { freshNamespace } from './support/namespace.ts';
import { isReady } from './support/pod.ts';
import { install } from './support/release.ts';
import { settled } from './support/settled.ts';

test('ZooKeeper grows from one member to three', { timeout: 900_000 }, async (t) => {
  const namespace = await freshNamespace(t, 'growing');
  const one = { replicaCount: 1 };
  const release = await install({
    namespace,
    values: { server: one, gateway: one, zookeeper: { minReadySeconds: 3 } },
  });
  await settled(release, 1);
  const [gateway] = await release.pods('gateway');
  const weights = async () => (await release.nodes(gateway!.metadata.name)).nodes.map(({ weight }) => weight);
  const evenkeel = (...argv: string[]) => exec(namespace, 'deployment/evenkeel-gateway', ['evenkeel', ...argv]);
  const { id } = JSON.parse(await evenkeel('nodes')) as { id: string };
  await evenkeel('nodes', 'set', id, '--weight', '512');
  await eventually(async () => assert.deepEqual(await weights(), [512]));

  await t.test('and keeps live settings, and who is registered', async () => {
    let calls = 0;
    let growing = true;
    const calling = (async () => {
      while (growing) assert.equal(await release.call('ping', calls), calls++);
    })();
    try {
      await release.upgrade({ zookeeper: { replicaCount: 3 } });
    } finally {
      growing = false;
    }
    await calling;
    assert.ok(calls > 10, `${calls} calls`);
    // One that waits for the first is ready, so that the upgrade goes on; it is not while it starts then.
    await eventually(async () => {
      const members = await release.pods('zookeeper');
      assert.deepEqual(members.map(isReady), [true, true, true]);
    });
    // Where ZooKeeper is away for longer than a session, a server begins another one, and has two entries until the old one ends.
    await settled(release, 1);
    await eventually(async () => {
      assert.equal(JSON.parse(await evenkeel('nodes')).weight, 512, 'to a client that comes anew');
    });
    await eventually(async () => assert.deepEqual(await weights(), [512]));
    const { status, stdout, stderr } = await release.test();
    assert.equal(status, 0, `${stdout}${stderr}`);
  });

  await t.test('and does not grow onto volumes that it has left behind', async () => {
    await release.upgrade({ zookeeper: { replicaCount: 1 } });
    await assert.rejects(
      release.upgrade({ zookeeper: { replicaCount: 3 } }),
      /goes from 1 to 3, .*delete pvc data-evenkeel-zookeeper-1 data-evenkeel-zookeeper-2/,
    );
    const claims = ['data-evenkeel-zookeeper-1', 'data-evenkeel-zookeeper-2'];
    await kubectl(['delete', 'pvc', ...claims, '--namespace', namespace, '--timeout=60s'], { deadline: 70_000 });
    await release.upgrade();
    assert.equal(JSON.parse(await evenkeel('nodes')).weight, 512);
  });
});
