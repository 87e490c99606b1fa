import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Contract, contract, World } from '../../test/support/world.ts';
import { connectRaw } from '../client/connect-raw.ts';
import type { Handlers } from '../core/contract.ts';
import type { RpcError } from '../core/error.ts';
import { type Log, silentLog } from '../core/log.ts';
import type { Registry, View } from '../registry/registry.ts';
import { type Server, serve } from './serve.ts';

const handlers: Handlers<Contract> = { read: () => 'read', write: () => 'write' };

function served(world: World, options: Parameters<typeof serve>[2] = {}): Promise<Server> {
  const { clock, network, random, registryUrl: registry } = world;
  return serve(contract, handlers, { clock, network, random, registry, listen: 'a:1', ...options });
}

async function listed(world: World): Promise<View> {
  const registry = world.registry();
  try {
    for await (const view of registry.watch(new AbortController().signal)) return view;
    throw new Error('no view');
  } finally {
    await registry.close();
  }
}

/** A registry that takes nothing back and never closes, or throws where it may not. */
const broken = (facts: Partial<Registry>): Registry => ({
  url: 'broken:',
  announce: () => ({
    state: 'pending',
    onChange() {},
    registered: new Promise(() => {}),
    update() {},
    release: () => new Promise(() => {}),
  }),
  async *watch() {},
  async *settings() {},
  configure: () => new Promise(() => {}),
  status: () => ({}),
  close: () => new Promise(() => {}),
  ...facts,
});

test('a server says of itself what it is told, and is found by it', async () => {
  const world = new World();
  const server = await served(world, { weight: 7, zone: 'z', tags: ['t'], version: '1.2', id: 'me' });
  await server.registered;
  const view = await listed(world);
  assert.deepEqual(view.state === 'known' && view.endpoints, [
    {
      host: 'a',
      port: 1,
      id: 'me',
      idAnnounced: true,
      protocol: 'framed',
      weight: 7,
      workers: 1,
      service: 'test',
      zone: 'z',
      tags: ['t'],
      version: '1.2',
    },
  ]);
  const client = world.client();
  const answer = client.read({ id: '1' });
  await world.clock.run(50);
  assert.equal(await answer, 'read');
  assert.equal(client.nodes().nodes[0]?.id, 'me');
  const closed = server.close();
  await world.clock.run(10_000);
  await closed;
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test('going away: out of the registry at once, serves for drainDelay, then takes nothing; close() twice is once', async () => {
  const world = new World();
  const server = await served(world);
  const client = await world.connected();
  assert.equal(server.state, 'serving');
  const closed = server.close();
  assert.equal(server.close(), closed);
  assert.equal(server.state, 'draining');
  await world.clock.run(0);
  const view = await listed(world);
  assert.deepEqual(view.state === 'known' && view.endpoints, []);
  await world.clock.run(3_990);
  assert.equal(server.state, 'draining');
  await world.clock.run(5_000);
  await closed;
  assert.equal(server.state, 'closed');
  assert.equal(world.network.connections('a:1'), 0);
  await client.close();
});

test('what runs is finished, however long it takes within the grace period', async () => {
  const world = new World();
  const { clock, network, registryUrl: registry } = world;
  const slow = { ...handlers, write: () => clock.sleep(20_000).then(() => 'done') };
  const server = await serve(contract, slow, { clock, network, registry, listen: 'a:1' });
  const client = await world.connected();
  const answer = client.write({ id: '1' }, { timeout: 60_000 });
  await clock.run(100);
  assert.equal(server.inFlight, 1);
  const closed = server.close();
  await clock.run(25_000);
  assert.equal(await answer, 'done');
  await closed;
  await client.close();
});

test('a handler that never ends is cut off within the grace period', async () => {
  const world = new World();
  const { clock, network, registryUrl: registry } = world;
  const stuck = { ...handlers, write: () => new Promise(() => {}) };
  const server = await serve(contract, stuck, { clock, network, registry, listen: 'a:1', grace: 10_000 });
  const client = await world.connected();
  const answer = client.write({ id: '1' }, { timeout: 60_000 }).then(undefined, (error) => error as RpcError);
  await clock.run(100);
  const closed = server.close();
  await clock.run(10_000);
  await closed;
  const error = (await answer) as RpcError;
  assert.equal(error.label, 'UNAVAILABLE/CONNECTION_LOST');
  assert.equal(error.mayHaveExecuted, true);
  await client.close();
});

test('a registry that never answers neither holds up the start nor the end', async () => {
  const world = new World();
  const server = await served(world, { registry: broken({}) });
  let registered = false;
  void server.registered.then(() => {
    registered = true;
  });
  const closed = server.close();
  await world.clock.run(4_100);
  assert.equal(registered, false);
  await world.clock.run(1_000);
  await closed;
  assert.equal(server.state, 'closed');
});

test('live settings change how many calls are let in, from when they come until they go', async () => {
  const world = new World();
  const { clock, network, registryUrl: registry } = world;
  const slow = { ...handlers, write: () => clock.sleep(100) };
  const limits = { maxConcurrent: 2, maxQueueTime: 0 };
  const server = await serve(contract, slow, { clock, network, registry, listen: 'a:1', ...limits });
  const client = await world.connected({ attempts: 1 });
  /** How many of four calls at once are turned away. */
  const refused = async () => {
    const calls = Array.from({ length: 4 }, () => world.call(client, 'write'));
    await clock.run(300);
    return calls.filter(({ error }) => error?.reason === 'OVERLOADED').length;
  };
  assert.equal(await refused(), 2);
  for (const [maxConcurrent, expected] of [
    [1, 3],
    [3, 1],
  ] as const) {
    world.store.configure({ version: 1, server: { maxConcurrent } });
    await clock.run(0);
    assert.equal(await refused(), expected);
  }
  world.store.configure(undefined);
  await clock.run(0);
  assert.equal(await refused(), 2);
  const closed = server.close();
  await clock.run(10_000);
  await closed;
  await world.close();
  assert.equal(clock.pending, 0);
});

test('without a registry nobody is told, and nothing is waited for', async () => {
  const world = new World();
  const { clock, network } = world;
  const server = await serve(contract, handlers, { clock, network, listen: '0.0.0.0:5' });
  await server.registered;
  assert.equal(server.port, 5);
  const closed = server.close();
  await clock.run(5_000);
  await closed;
  await clock.run(0);
  assert.equal(clock.pending, 0);
});

test('a start that fails leaves nothing behind: the port is free again, the timers are gone', async () => {
  const world = new World();
  const cannot = () => {
    throw new Error('it cannot be written to');
  };
  await assert.rejects(served(world, { registry: broken({ announce: cannot }) }), /cannot be written to/);
  await assert.rejects(served(world, { registry: 'static:a:1' }), /cannot be written to/);
  assert.equal(world.clock.pending, 0);
  const server = await served(world);
  await assert.rejects(served(world), /cannot listen on a:1: the port is in use/);
  const closed = server.close();
  await world.clock.run(10_000);
  await closed;
  assert.equal(world.clock.pending, 0);
});

test('a method without a handler, and a wrong option, are named before anything is started', async () => {
  const world = new World();
  const { clock, network } = world;
  const partial = { read: () => 1 } as unknown as Handlers<Contract>;
  await assert.rejects(
    serve(contract, partial, { clock, network, listen: 'a:1' }),
    /the service has no handler for method "write"/,
  );
  await assert.rejects(served(world, { weight: 0 }), /option "weight" is 0/);
  assert.equal(clock.pending, 0);
});

test('what a handler gives that cannot be sent is in the log, in either protocol', async () => {
  const world = new World();
  const lines: [string, string][] = [];
  const log: Log = {
    ...silentLog,
    error: (facts, message) => void lines.push([(facts as { method: string }).method, message]),
  };
  const circular: unknown[] = [];
  circular.push(circular);
  const gifts = [1n, circular, 'x'.repeat(5_000_000)];
  let given = 0;
  const give = () => gifts[given++ % 3];
  const { clock, network, random } = world;
  const server = await serve(contract, { read: give, write: give }, { clock, network, random, listen: 'a:1', log });
  for (const protocol of ['framed', 'classic']) {
    const client = connectRaw(undefined, { registry: `static:a:1;protocol=${protocol}`, clock, network, random });
    const calls = [1, 2, 3].map(() =>
      client.call({ method: 'write', input: { id: '1' } }).catch((error) => error.code),
    );
    await clock.run(100);
    assert.deepEqual(await Promise.all(calls), ['INTERNAL', 'INTERNAL', 'RESOURCE_EXHAUSTED']);
    assert.deepEqual(lines.splice(0), Array(3).fill(['write', 'what a handler gave cannot be sent']));
    const closed = client.close(0);
    await clock.run(100);
    await closed;
  }
  const closed = server.close();
  await clock.run(10_000);
  await closed;
});

test('where nobody gave a log, a handler that throws is a warning of the process', async (t) => {
  const warnings: string[] = [];
  t.mock.method(process, 'emitWarning', (text: string) => void warnings.push(text));
  const world = new World();
  const { clock, network, random } = world;
  const fail = () => {
    throw new TypeError('no such field');
  };
  const server = await serve(contract, { read: fail, write: fail }, { clock, network, random, listen: 'a:1' });
  const client = connectRaw(undefined, { registry: 'static:a:1', clock, network, random });
  const calls = ['read', 'write', 'read'].map((method) =>
    client.call({ method, input: 1 }).catch((error) => error.label),
  );
  await clock.run(100);
  assert.deepEqual(await Promise.all(calls), Array(3).fill('INTERNAL/UNHANDLED'));
  assert.deepEqual(warnings, [
    'read: a handler threw something that is no RpcError',
    'write: a handler threw something that is no RpcError',
  ]);
  const closed = Promise.all([client.close(0), server.close()]);
  await clock.run(10_000);
  await closed;
});

test('handlers that are missing, and that are no methods, are refused by name', async () => {
  const { clock, network, random } = new World();
  const start = (given: object) =>
    serve(contract, given as Handlers<Contract>, { clock, network, random, listen: 'a:1' });
  await assert.rejects(start({ read: () => 1 }), { message: 'the service has no handler for method "write"' });
  await assert.rejects(start({ ...handlers, wirte: () => 1 }), {
    message: 'the service has handlers for what is no method of "test": wirte; its methods are read, write',
  });
});
