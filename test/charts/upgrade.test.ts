/** An upgrade that turns the autoscaler on must not drop the replicas: what the chart looks up of the live Deployment. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { fakeApi } from './fake-api.ts';
import { render, withHelm } from './support.ts';

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
