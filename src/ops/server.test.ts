import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { Health } from './health.ts';
import { makeMetrics } from './metrics.ts';
import { type OpsOptions, startOps } from './server.ts';

const local = { host: '127.0.0.1', port: 0 };

async function start(t: TestContext, options: Partial<OpsOptions> = {}) {
  const health = new Health();
  const metrics = makeMetrics({ process: false });
  const ops = await startOps({
    listen: local,
    log: silentLog,
    health,
    metrics: () => metrics.text(),
    nodes: () => ({ version: 1, nodes: [] }),
    ...options,
  });
  t.after(() => ops.close());
  return { ops, health, metrics, get: (path: string) => fetch(`http://127.0.0.1:${ops.port}${path}`) };
}

test('probes answer ok, or 503 with every reason', async (t) => {
  const { health, get } = await start(t);
  for (const path of ['/livez', '/readyz']) {
    const response = await get(path);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), 'ok\n');
    assert.equal(response.headers.get('cache-control'), 'no-store');
  }
  health.hold('draining', 'the process is going away');
  assert.equal((await get('/livez')).status, 200);
  const response = await get('/readyz');
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), {
    problems: [{ name: 'draining', message: 'the process is going away' }],
  });
  health.fail('workers', 'no worker is left');
  assert.equal((await get('/livez')).status, 503);
});

test('metrics come in the format of Prometheus', async (t) => {
  const { metrics, get } = await start(t);
  metrics.counter({ name: 'calls_total', help: 'Calls.' }).with().add(3);
  const response = await get('/metrics');
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(await response.text(), /^calls_total 3$/m);
});

test('metrics that fail or do not come are a 503, not a hanging scrape', async (t) => {
  const clock = new VirtualClock();
  let metrics: () => Promise<string> = () => Promise.reject(new Error('a worker is gone'));
  const { get } = await start(t, { metrics: () => metrics(), clock });
  assert.equal((await get('/metrics')).status, 503);
  assert.equal(clock.pending, 0);
  const asked = Promise.withResolvers<void>();
  metrics = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const answer = get('/metrics');
  await asked.promise;
  await clock.run(5_000);
  assert.equal((await answer).status, 503);
  assert.equal(clock.pending, 0);
});

test('nodes are shown as JSON', async (t) => {
  const { get } = await start(t);
  const response = await get('/nodes');
  assert.match(response.headers.get('content-type')!, /^application\/json/);
  assert.deepEqual(await response.json(), { version: 1, nodes: [] });
});

test('what fails inside is not told outside', async (t) => {
  const { get } = await start(t, {
    nodes: () => {
      throw new Error('internal detail');
    },
  });
  const response = await get('/nodes');
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /internal detail/);
});

test('an unknown path is told which ones there are', async (t) => {
  const { get } = await start(t);
  const response = await get('/');
  assert.equal(response.status, 404);
  assert.match(await response.text(), /\/livez, \/readyz, \/metrics, \/nodes/);
});

test('a port that cannot be opened is explained', async (t) => {
  const { ops } = await start(t);
  await assert.rejects(
    start(t, { listen: { host: '127.0.0.1', port: ops.port } }),
    new RegExp(
      `^Error: the ops port cannot listen on 127\\.0\\.0\\.1:${ops.port}: the port is in use \\(EADDRINUSE\\)\\. Another address is set by --ops HOST:PORT, or none by --ops off\\.$`,
    ),
  );
  await assert.rejects(
    start(t, { listen: { host: '192.0.2.1', port: 0 } }),
    /192\.0\.2\.1:0: this machine has no such/,
  );
});

test('closing ends connections, even one whose request is not answered yet', async (t) => {
  const asked = Promise.withResolvers<void>();
  const { ops } = await start(t, {
    clock: new VirtualClock(),
    metrics: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  });
  const socket = connect(ops.port, '127.0.0.1');
  t.after(() => socket.destroy());
  const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
  socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  await asked.promise;
  await ops.close();
  await closed;
});
