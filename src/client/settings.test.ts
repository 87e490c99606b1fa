import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, never, World } from '../../test/support/world.ts';
import type { Log } from '../core/log.ts';
import { silentLog } from '../core/log.ts';
import { openRegistry } from '../registry/open.ts';
import type { Registry } from '../registry/registry.ts';
import { SettingsWatch } from './settings.ts';

function logging() {
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (facts, message) => lines.push(`${message} ${JSON.stringify(facts)}`),
    warn: (facts, message) => lines.push(`WARN ${message} ${JSON.stringify(facts)}`),
    child: () => log,
  };
  return { log, lines };
}

/** The live settings of a world, as soon as its clients know them. */
async function set(world: World, facts: object | undefined): Promise<void> {
  world.store.configure(facts === undefined ? undefined : { version: 1, ...facts });
  await world.clock.run(0);
}

test('a watch tells of what is set for nodes and clients, with all that is set, and logs each change', async () => {
  const world = new World();
  const { log, lines } = logging();
  const told: [settings: unknown, changes: string[]][] = [];
  const watch = new SettingsWatch(world.registry(), log, (settings, changes) =>
    told.push([settings.client, changes.map(({ setting }) => setting)]),
  );
  await set(world, { nodes: { a: { weight: 5 } }, client: { timeout: 9 } });
  await set(world, { nodes: { a: { weight: 6 } }, client: { timeout: 9 } });
  await set(world, { nodes: { a: { weight: 6 } }, client: { timeout: 9 }, server: { maxConcurrent: 1 } });
  assert.deepEqual(told, [
    [{ timeout: 9 }, ['nodes["a"].weight', 'client.timeout']],
    [{ timeout: 9 }, ['nodes["a"].weight']],
  ]);
  assert.deepEqual(watch.now.nodes, new Map([['a', { weight: 6 }]]));
  assert.deepEqual(lines, [
    'a live setting changed {"setting":"nodes[\\"a\\"].weight","from":null,"to":5}',
    'a live setting changed {"setting":"client.timeout","from":null,"to":9}',
    'a live setting changed {"setting":"nodes[\\"a\\"].weight","from":5,"to":6}',
  ]);
  watch.close();
  await set(world, undefined);
  assert.equal(told.length, 2);
  await world.close();
});

test('a watch keeps the last good settings, and says why the newer ones are not taken', async () => {
  const world = new World();
  const { log, lines } = logging();
  const watch = new SettingsWatch(world.registry(), log, () => {});
  await set(world, { client: { timeout: 9 } });
  await set(world, { client: { timeout: -1 } });
  assert.deepEqual(watch.now.client, { timeout: 9 });
  assert.match(lines[1]!, /^WARN the live settings are refused: .*client\.timeout is -1: expected/);
  watch.close();
});

test('a registry that cannot tell them is no failure of the client', async () => {
  const world = new World();
  const { log, lines } = logging();
  await world.node('a');
  const registry: Registry = {
    ...openRegistry(world.registryUrl),
    settings() {
      throw new Error('broken');
    },
  };
  const client = await world.connected({ registry, log });
  assert.equal((await world.outcome(client)).error, undefined);
  assert.equal(lines.filter((line) => line.startsWith('WARN the live settings cannot be followed')).length, 1);
  await world.close();
});

test('the timeout of calls that say nothing else follows the live settings, and comes back', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = never;
  const client = await world.connected({ timeout: 2_000, attempts: 1 });
  const took = async (options = {}) => {
    const { took, error } = await world.outcome(client, 'write', options);
    assert.equal(error?.code, 'DEADLINE_EXCEEDED');
    return Math.round(took / 100) * 100;
  };
  assert.equal(await took(), 2_000);
  await set(world, { client: { timeout: 500 } });
  assert.equal(await took(), 500);
  assert.equal(await took({ timeout: 1_000 }), 1_000, 'what a call says itself goes first');
  await set(world, { client: {} });
  assert.equal(await took(), 2_000);
  await world.close();
});

test('how many nodes a call may reach follows the live settings, and comes back', async () => {
  const world = new World();
  for (const node of await world.nodes('a', 'b', 'c', 'd')) {
    node.behaviour = () => {
      world.network.reset(node.at);
      return never({ id: '' }, undefined as never);
    };
  }
  const client = await world.connected({ attempts: 2, hedging: false, budget: { perSecond: 100 } });
  const reached = async (options = {}) => {
    const { error } = await world.outcome(client, 'read', options);
    await world.clock.run(5_000);
    return error?.attempts.length;
  };
  assert.equal(await reached(), 2);
  await set(world, { client: { attempts: 1 } });
  assert.equal(await reached(), 1);
  await set(world, undefined);
  assert.equal(await reached(), 2);
  await world.close();
});

test('hedging follows the live settings, on and off', async () => {
  const world = new World();
  for (const node of await world.nodes('a', 'b')) node.behaviour = after(world.clock, 1_000);
  const client = await world.connected({ hedging: false });
  const copies = async () => {
    const call = await world.outcome(client, 'read');
    return world.executions.get(call.id)?.length;
  };
  assert.equal(await copies(), 1);
  await set(world, { client: { hedging: true } });
  assert.equal(await copies(), 2);
  await set(world, { client: { hedging: false } });
  assert.equal(await copies(), 1);
  await set(world, undefined);
  assert.equal(await copies(), 1);
  await world.close();
});

test('what is set of a node is in the view', async () => {
  const world = new World();
  await world.nodes('a', 'b');
  const client = await world.connected();
  await set(world, { nodes: { b: { weight: 5 }, gone: { offline: true } } });
  assert.deepEqual(
    client.nodes().nodes.map(({ id, settings }) => [id, settings]),
    [
      ['a', null],
      ['b', { weight: 5 }],
    ],
  );
  await world.close();
});

test('settings that are there at the start hold for the first call', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = never;
  await set(world, { client: { timeout: 300 } });
  const client = world.client({ attempts: 1 });
  await world.clock.run(50);
  const { took } = await world.outcome(client, 'write');
  assert.ok(took <= 320, `${took} ms`);
  await world.close();
});

test('a client that is closed follows nothing and leaves nothing behind', async () => {
  const world = new World();
  await world.node('a');
  const { log, lines } = logging();
  const client = await world.connected({ log });
  const closed = client.close(0);
  await world.clock.run(2_000);
  await closed;
  const before = lines.length;
  await set(world, { client: { timeout: 300 } });
  assert.equal(lines.length, before);
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test("a node's weight and whether it is in service change live, and go back to what it announces", async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const client = await world.connected();
  const row = (id: string) => client.nodes().nodes.find((node) => node.id === id)!;
  const ran = async () => {
    for (const node of [a!, b!]) node.executed.length = 0;
    for (let i = 0; i < 60; i++) await world.outcome(client);
    return [a!.executed.length, b!.executed.length] as const;
  };
  await set(world, { nodes: { a: { weight: 1 } } });
  assert.equal(row('a').weight, 1);
  assert.ok((await ran())[0] <= 2);
  await set(world, { nodes: { a: { offline: true }, b: { weight: 2_048 } } });
  assert.equal(row('a').share, 0);
  assert.deepEqual(await ran(), [0, 60]);
  assert.deepEqual(row('b').settings, { weight: 2_048 });
  await set(world, undefined);
  assert.deepEqual([row('a').weight, row('b').weight], [1_024, 1_024]);
  assert.ok((await ran())[0] > 10);
  await world.close();
  world.check();
});

test('with all nodes out of service calls wait, and go on when one is back', async () => {
  const world = new World();
  await world.nodes('a');
  const client = await world.connected();
  await set(world, { nodes: { a: { offline: true } } });
  const call = world.call(client);
  await world.clock.run(1_000);
  assert.ok(!call.over);
  await set(world, undefined);
  await world.clock.run(100);
  assert.equal(call.error, undefined);
  const late = world.call(client, 'read', { timeout: 500 });
  await set(world, { nodes: { a: { offline: true } } });
  await world.clock.run(0);
  const { error } = await world.outcome(client, 'read', { timeout: 500 });
  assert.match(error!.message, /a \(a:1\): out of service/);
  assert.ok(late.over);
  await world.close();
});

test('the balancer changes live', async () => {
  const world = new World();
  await world.nodes('a', 'b', 'c');
  const client = await world.connected();
  const homes = async () => {
    world.executions.clear();
    for (let i = 0; i < 20; i++) await world.outcome(client, 'read', { hashKey: 'one' });
    return new Set([...world.executions.values()].flat()).size;
  };
  assert.ok((await homes()) > 1);
  await set(world, { client: { balancer: 'hash' } });
  assert.equal(await homes(), 1);
  await set(world, undefined);
  assert.ok((await homes()) > 1);
  await world.close();
});
