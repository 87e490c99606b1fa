import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import { until } from '../../../test/support/until.ts';
import { isoTime, systemClock } from '../../core/clock.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { GatewayViews } from './gateway-views.ts';
import { labels, type Pod } from './objects.ts';
import { Population } from './population.ts';

/** Sees one server, or as many as it is told; it may fall silent. */
async function gateway(t: TestContext, population: Population, name: string) {
  const view = { servers: 1, silent: false };
  const server = createServer((_request, response) => {
    const nodes = Array.from({ length: view.servers }, (_, at) => ({ id: `${at}`, addr: `10.0.0.${at}:7000` }));
    if (!view.silent) response.end(JSON.stringify({ nodes }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const ports = [{ name: 'ops', containerPort: (server.address() as AddressInfo).port }];
  const own = { [labels.component]: 'gateway' };
  const pod: Pod = {
    metadata: { name, uid: name, resourceVersion: '1', labels: own, creationTimestamp: isoTime(0) },
    spec: { containers: [{ name: 'gateway', image: 'i', ports }] },
    status: { phase: 'Running', podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  population.put(pod);
  return view;
}

it('a gateway that is silent keeps nobody from seeing what the others say, and what it said is forgotten', async (t) => {
  const population = new Population(
    () => 0,
    () => {},
  );
  const one = await gateway(t, population, 'one');
  const two = await gateway(t, population, 'two');
  const views = new GatewayViews(population, new VirtualClock());
  t.after(() => views.close());
  const seen = () => views.states().map(({ nodes }) => nodes.length);
  await views.ask();
  assert.deepEqual(seen(), [1, 1]);
  two.silent = true;
  one.servers = 2;
  let over = false;
  const asking = views.ask().finally(() => {
    over = true;
  });
  await until(() => seen()[0] === 2, 'the view of the first');
  assert.equal(over, false, 'the second is still waited for');
  const since = systemClock.now();
  assert.equal((await asking).length, 2);
  assert.ok(systemClock.now() - since < 5_000);
  assert.deepEqual(seen(), [2, 0]);
});
