import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { call, frame, jsonOf, preface, RawPeer, type } from '../../test/support/raw-peer.ts';
import { method, type ServiceModule, service } from '../core/contract.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { MemoryNetwork } from '../transport/memory.ts';
import { type HostOptions, host } from './host.ts';
import { serveOptions } from './options.ts';

const contract = service('test', { echo: method() });

async function world(t: TestContext, options: Partial<HostOptions> = {}, module: Partial<ServiceModule> = {}) {
  const network = new MemoryNetwork();
  const clock = new VirtualClock();
  const filled = serveOptions({ network, clock, listen: 'server:1', maxConcurrent: 3 });
  const handlers = { echo: () => new Promise(() => {}) };
  const served = await host(
    { service: contract, handlers, ...module },
    { ...filled, worker: { index: 0, of: 1 }, ...options },
  );
  t.after(() => served.destroy());
  const client = new RawPeer(network.connect('server', 1));
  client.send(preface);
  await clock.run(0);
  /** What the server says of its load now. */
  const load = async () => {
    client.skip(client.bytes.length);
    client.send(frame(type.ping, 0));
    await clock.run(0);
    return jsonOf(client.framesOf(type.pong)[0]);
  };
  return { clock, served, client, load };
}

test('PONG says what is at work and what waits, and from the second on what was measured', async (t) => {
  const { clock, client, load } = await world(t);
  for (let id = 1; id <= 5; id++) client.send(call({ id }));
  await clock.run(0);
  const first = await load();
  assert.deepEqual(Object.keys(first), ['inFlight', 'queued', 'cores', 'memory']);
  assert.deepEqual([first.inFlight, first.queued], [3, 2]);
  await clock.run(1_000);
  const second = await load();
  assert.deepEqual(Object.keys(second), ['inFlight', 'queued', 'cpu', 'cores', 'eventLoopDelay', 'memory']);
  assert.equal(second.eventLoopDelay, 0);
  assert.equal(second.queued, 0, 'refused meanwhile');
});

test('a call that waits for a thread is not at work', async (t) => {
  const runner = { invoke: () => new Promise(() => {}), threads: 1, waiting: 2 };
  const { clock, client, load, served } = await world(t, { runner });
  for (let id = 1; id <= 4; id++) client.send(call({ id }));
  await clock.run(0);
  const { inFlight, queued } = await load();
  assert.deepEqual([inFlight, queued], [1, 3]);
  assert.deepEqual([served.load().inFlight, served.load().queued], [1, 3]);
});

test('a server that has gone away measures nothing more', async (t) => {
  for (const end of ['finish', 'destroy'] as const) {
    const { clock, served, load } = await world(t);
    await load();
    if (end === 'destroy') served.destroy();
    else {
      await served.refuse();
      const finished = served.finish(0);
      await clock.run(10);
      await finished;
    }
    await clock.run(0);
    assert.equal(clock.pending, 0, end);
  }
});

test('the health check is the module itself that is asked', async (t) => {
  const module = {
    state: 'no disk',
    health() {
      return this.state;
    },
  };
  const { clock, client } = await world(t, {}, module);
  client.send(call({ id: 1, name: 'test/health' }));
  await clock.run(0);
  const { reason, message } = jsonOf(client.framesOf(type.error)[0]);
  assert.deepEqual([reason, message], ['UNHEALTHY', 'no disk']);
});
