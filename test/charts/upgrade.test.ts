/** What the chart looks up in the live cluster: replicas, which an upgrade must not drop, and volumes with old data. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { fakeApi } from './fake-api.ts';
import { refusal, render, withHelm } from './support.ts';

const byChart = { 'evenkeel/replicas-set-by-chart': 'true' };

async function upgraded(test: TestContext, live: Parameters<typeof fakeApi>[1], on = true) {
  const environment = await fakeApi(test, live);
  const set = [`server.autoscaling.enabled=${on}`, `gateway.autoscaling.enabled=${on}`, 'gateway.replicaCount=3'];
  const rendered = await render({ environment, set, args: ['--dry-run=server', '--is-upgrade'] });
  const of = (name: string) => {
    const { spec, metadata } = rendered.get('Deployment', name);
    return [spec.replicas, metadata.annotations?.['evenkeel/replicas-set-by-chart']];
  };
  return { server: of('shop-server'), gateway: of('shop-gateway') };
}

withHelm('an upgrade with the autoscaler on', () => {
  it('writes down the number that there is, where the chart had given one', async (test) => {
    const live = {
      'shop-server': { annotations: byChart, replicas: 7 },
      'shop-gateway': { annotations: byChart, replicas: 4 },
    };
    assert.deepEqual(await upgraded(test, live), { server: [7, 'true'], gateway: [4, 'true'] });
  });

  it('writes down 1 where there is none, for an autoscaler lets 0 alone for ever', async (test) => {
    const live = {
      'shop-server': { annotations: byChart, replicas: 0 },
      'shop-gateway': { annotations: byChart, replicas: 0 },
    };
    assert.deepEqual(await upgraded(test, live), { server: [1, 'true'], gateway: [1, 'true'] });
  });

  it('leaves the field out, where the autoscaler had it from the start', async (test) => {
    const live = { 'shop-server': { replicas: 7 }, 'shop-gateway': { annotations: { other: 'x' }, replicas: 4 } };
    assert.deepEqual(await upgraded(test, live), { server: [undefined, undefined], gateway: [undefined, undefined] });
  });

  it('leaves it out in a first installation', async (test) => {
    assert.deepEqual(await upgraded(test, {}), { server: [undefined, undefined], gateway: [undefined, undefined] });
  });

  it('takes the number from the values, where the autoscaler is off', async (test) => {
    const live = { 'shop-server': { replicas: 7 }, 'shop-gateway': { replicas: 4 } };
    assert.deepEqual(await upgraded(test, live, false), { server: [2, 'true'], gateway: [3, 'true'] });
  });
});

withHelm('an upgrade with more ZooKeeper members', () => {
  async function upgrade(test: TestContext, from: number, volumes: readonly number[]) {
    const annotations = { 'evenkeel/members': `${from}` };
    const environment = await fakeApi(test, {}, [
      { kind: 'StatefulSet', metadata: { name: 'shop-zookeeper', annotations } },
      ...volumes.map((i) => ({ kind: 'PersistentVolumeClaim', metadata: { name: `data-shop-zookeeper-${i}` } })),
    ]);
    return { environment, set: ['zookeeper.replicaCount=3'], args: ['--dry-run=server', '--is-upgrade'] };
  }

  it('is refused where members that were taken away before have left their volumes', async (test) => {
    const sentence = await refusal(await upgrade(test, 1, [0, 1, 2, 3]));
    assert.match(sentence, /replicaCount goes from 1 to 3, .*delete pvc data-shop-zookeeper-1 data-shop-zookeeper-2$/m);
    assert.match(sentence, /--namespace market/);
  });

  it('goes on where they have left none, and where there are no more members than before', async (test) => {
    for (const [from, volumes] of [
      [1, [0]],
      [3, [0, 1, 2]],
      [5, [0, 1, 2, 3, 4]],
    ] as const) {
      const rendered = await render(await upgrade(test, from, volumes));
      assert.equal(rendered.get('StatefulSet', 'shop-zookeeper').metadata.annotations!['evenkeel/members'], '3');
    }
  });
});
