import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from '../../../test/support/until.ts';
import { get, httpPool } from './http.ts';

type Behaviour = 'well' | 'busy' | 'silent';

async function http(
  t: TestContext,
  behaviour: { now: Behaviour },
  port = 0,
): Promise<{ server: Server; port: number }> {
  const server = createServer(({ url }, response) => {
    if (behaviour.now === 'silent') return;
    response.statusCode = behaviour.now === 'busy' && url !== '/health' ? 503 : 200;
    response.end(url === '/health' ? 'ok' : 'the page');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

test('GETs do not fail while one server is busy, one falls silent and one goes away', async (t) => {
  const behaviours: { now: Behaviour }[] = [{ now: 'well' }, { now: 'well' }, { now: 'well' }];
  const servers = await Promise.all(behaviours.map((behaviour) => http(t, behaviour)));
  const pool = httpPool(servers.map(({ port }) => `127.0.0.1:${port}`).join(','));
  t.after(() => pool.close(0));
  const row = (index: number) => pool.nodes().nodes.find(({ addr }) => addr.endsWith(`:${servers[index]!.port}`))!;
  const page = async (times: number) => {
    for (let i = 0; i < times; i++) assert.equal(await get(pool, '/'), 'the page');
  };
  await page(50);

  behaviours[0]!.now = 'busy';
  await page(30);
  assert.ok(row(0).weight < 1_024, 'it gets less');
  behaviours[0]!.now = 'well';

  behaviours[1]!.now = 'silent';
  await page(50);
  behaviours[1]!.now = 'well';

  servers[2]!.server.closeAllConnections();
  servers[2]!.server.close();
  await page(50);
  assert.ok(row(2).weight < 1_024 || row(2).state === 'suspended');
  await http(t, { now: 'well' }, servers[2]!.port);
  await until(async () => {
    await page(5);
    return row(2).weight === 1_024;
  }, 'it to be back');
});
