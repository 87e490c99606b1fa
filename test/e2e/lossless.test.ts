/** No call is lost, whatever happens to servers, gateways, ZooKeeper or a node: 200 calls/s through the gateways meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { until } from '../support/until.ts';
import { deleteZooKeeper, drain, leader, restart, scale, upgrade } from './lossless/deeds.ts';
import { outside } from './lossless/outside.ts';
import { openScene } from './lossless/scene.ts';
import { type Watched, watched } from './lossless/watched.ts';
import { nextTag } from './support/images.ts';

/** s that the design allows in a cluster. */
const soon = 2;
/** ms that an entry outlives its server: the session's timeout, two of ZooKeeper's ticks, and one second. */
const entryOutlives = 10_000 + 2 * 2_000 + 1_000;

test('no call is lost', { timeout: 2_400_000 }, async (t) => {
  const values = {
    zookeeper: { replicaCount: 3 },
    // For a while one gateway may have all the calls. With less, a slower machine would show what the limit does to them.
    gateway: { resources: { limits: { cpu: '500m' } } },
  };
  const scene = await openScene(t, { purpose: 'lossless', values });
  const { pods, load } = scene;
  const cluster = await outside();

  function inTime({ firstCall, lastCall, slowest }: Watched): void {
    assert.ok(firstCall! < soon, `a new server had its first call ${firstCall} s after it was ready: ${slowest.first}`);
    assert.ok(lastCall! < soon, `a server had its last call ${lastCall} s after it was told to go: ${slowest.last}`);
  }

  /** ZooKeeper's coming and going is nobody else's business: gives a check that no other pod was disturbed since now. */
  function watchOthers(): () => void {
    const since = systemClock.wallTime();
    const others = [...pods.ready('server'), ...pods.ready('gateway')].map((pod) => ({ pod, restarts: pod.restarts }));
    return () => {
      for (const { pod, restarts } of others) {
        assert.equal(pod.restarts, restarts, `restarts of ${pod.name}`);
        const unready = pod.unreadyAt.filter((at) => at >= since);
        assert.deepEqual(unready, [], `${pod.name} turned unready`);
      }
    };
  }

  await t.test('while nothing happens', async () => {
    await watched(scene, 'nothing', async () => 'every pod is as it was');
  });

  await t.test('while servers are scaled from 2 to 6 to 2', async () => {
    const row = await watched(scene, 'scale 2 -> 6 -> 2', async () => {
      await scale(scene, 6);
      await scale(scene, 2);
      return '4 pods came, 4 went';
    });
    inTime(row);
  });

  await t.test('while a new image rolls servers and gateways', async () => {
    const since = systemClock.wallTime();
    const row = await watched(scene, 'upgrade of the image', async () => {
      const proof = await upgrade(scene, { global: { image: { tag: nextTag } } }, ['server', 'gateway']);
      for (const part of ['server', 'gateway'] as const) {
        for (const { image } of pods.present(part)) assert.match(image!, new RegExp(`:${nextTag}$`));
        assert.ok(pods.fewestReady(part, since) >= 2, `two of ${part} were ready all the time`);
      }
      return proof;
    });
    inTime(row);
  });

  await t.test('while a setting of ZooKeeper rolls the ensemble', async () => {
    const undisturbed = watchOthers();
    const since = systemClock.wallTime();
    await watched(scene, 'upgrade of a setting of ZooKeeper', async () => {
      const proof = await upgrade(scene, { zookeeper: { syncLimit: 6 } }, ['zookeeper']);
      assert.ok(pods.fewestReady('zookeeper', since) >= 2, 'one member at a time');
      return proof;
    });
    undisturbed();
  });

  await t.test('while a node is drained', async () => {
    const elsewhere = () => pods.ready('server').find((pod) => pod.node !== load.node)?.node;
    // Servers are spread over nodes where that is possible: two may be together after all, four are not.
    if (elsewhere() === undefined) await scale(scene, 4);
    const node = elsewhere();
    assert.ok(node !== undefined, `a server runs on another node than ${load.node}`);
    await watched(scene, 'kubectl drain of a node', () => drain(scene, node, cluster.ours));
    if (pods.ready('server').length !== 2) await scale(scene, 2);
  });

  await t.test(
    'while a server is killed',
    { skip: cluster.signal === undefined && 'nobody but Kubernetes reaches the processes of this cluster' },
    async () => {
      const victim = pods.ready('server')[0]!;
      const restarts = victim.restarts;
      const view = () => JSON.stringify(load.view());
      const entry = await until(
        () => load.view()?.endpoints?.find(({ address }) => address === `${victim.ip}:7000`),
        () => `an entry of ${victim.name} at ${victim.ip}; the registry has ${view()}`,
      );
      let gone = 0;
      await watched(scene, 'kill -9 of a server', async () => {
        const { namespace } = scene.release;
        const at = systemClock.wallTime();
        await cluster.signal!({ namespace, pod: victim.name, container: 'server' }, 'SIGKILL');
        await until(() => victim.restarts > restarts, 'its container to be started again', 60_000);
        assert.equal(victim.lastExitCode, 137, 'exit code of a container that SIGKILL ended');
        await until(
          () => load.view()?.endpoints?.every(({ id }) => id !== entry.id),
          () => `its entry ${entry.id} to be gone; the registry has ${view()}`,
          60_000,
        );
        gone = load.view()!.at - at;
        await pods.settled('server', 2);
        return `exit code 137, its entry was gone after ${(gone / 1000).toFixed(1)} s`;
      });
      assert.ok(gone < entryOutlives, `the entry of a dead server was gone after ${gone} ms`);
    },
  );

  await t.test("while ZooKeeper's leader is deleted", async () => {
    const undisturbed = watchOthers();
    await watched(scene, "deletion of ZooKeeper's leader", async () => {
      const first = await leader(scene);
      await deleteZooKeeper(scene, [first]);
      return `${first.name} led; then ${(await leader(scene)).name} did`;
    });
    undisturbed();
  });

  await t.test('while all of ZooKeeper is deleted', async () => {
    const undisturbed = watchOthers();
    const since = systemClock.wallTime();
    await watched(scene, 'deletion of all of ZooKeeper', async () => {
      await deleteZooKeeper(scene, pods.ready('zookeeper'));
      await leader(scene);
      const away = load.views().some(({ at, state }) => at >= since && state === 'failed');
      assert.ok(away, 'the registry could not be read meanwhile');
      return '3 members deleted at once; the registry could not be read meanwhile';
    });
    undisturbed();
  });

  await t.test('while gateways are restarted', async () => {
    await watched(scene, 'restart of the gateways', () => restart(scene, 'gateway'));
  });
});
