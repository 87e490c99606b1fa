import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../test/support/world.ts';
import type { ConnectOptions } from './options.ts';

type Client = Awaited<ReturnType<World['connected']>>;

const live = (client: Client) =>
  client
    .nodes()
    .nodes.filter(({ state }) => state === 'live')
    .map(({ id }) => id)
    .sort();

async function many(count: number, options: Partial<ConnectOptions>) {
  const world = new World();
  const nodes = await world.nodes(...Array.from({ length: count }, (_, i) => `n${i}`));
  const client = world.client(options);
  await world.clock.run(3_000);
  return { world, client, nodes: new Map(nodes.map((node) => [node.id, node])) };
}

test('up to the size of the subset a client connects to all servers, above it to so many', async () => {
  for (const [servers, connected] of [
    [5, 5],
    [6, 5],
    [30, 5],
  ] as const) {
    const { world, client } = await many(servers, { subset: 5 });
    assert.equal(live(client).length, connected, `of ${servers}`);
    await world.close();
  }
});

test('the same client gets the same servers, another one others', async () => {
  const { world, client } = await many(30, { subset: 5, clientId: 'one' });
  const same = world.client({ subset: 5, clientId: 'one' });
  const other = world.client({ subset: 5, clientId: 'other' });
  await world.clock.run(3_000);
  assert.deepEqual(live(same), live(client));
  assert.notDeepEqual(live(other), live(client));
  await world.close();
});

test('others stand in for members that are down, and go when those are back', async () => {
  const { world, client, nodes } = await many(30, { subset: 5, clientId: 'one' });
  const members = live(client);
  const [first, second] = members;
  for (const id of [first!, second!]) nodes.get(id)!.kill();
  await world.clock.run(6_000);
  const standing = live(client);
  assert.equal(standing.length, 5);
  assert.ok(!standing.includes(first!) && !standing.includes(second!));
  for (const id of [first!, second!]) await world.start(nodes.get(id)!);
  await world.clock.run(10_000);
  assert.deepEqual(live(client), members);
  await world.close();
});

test('a server that comes or goes changes one member at most, and no call is lost by it', async () => {
  const { world, client } = await many(30, { subset: 5, clientId: 'one' });
  let members = live(client);
  for (let i = 0; i < 20; i++) {
    await world.node(`late-${i}`);
    for (let calls = 0; calls < 30; calls++) {
      world.call(client);
      await world.clock.run(100);
    }
    const now = live(client);
    assert.equal(now.length, 5);
    assert.ok(now.filter((id) => !members.includes(id)).length <= 1);
    members = now;
  }
  await world.clock.run(1_000);
  await world.close();
  world.check();
});

test('new servers are dialled with a spread, and the first of all at once', async () => {
  const world = new World();
  await world.node('a');
  const clients = await Promise.all(Array.from({ length: 40 }, () => world.connected()));
  const b = await world.node('b');
  const reached: number[] = [];
  for (let ms = 0; ms < 300; ms += 20) {
    await world.clock.run(20);
    reached.push(clients.filter((client) => live(client).includes(b.id)).length);
  }
  assert.ok(reached[1]! < 20, `${reached}`);
  assert.equal(reached.at(-1), 40);
  await world.close();
});

test('servers of the own zone, or with the tags asked for, are used before others; backups last', async () => {
  const world = new World();
  const make = (id: string, facts: object) => world.node(id, { endpoint: facts });
  await make('far', { zone: 'b', tags: ['blue'] });
  await make('near', { zone: 'a', tags: ['blue'] });
  await make('green', { zone: 'a', tags: ['green'] });
  await make('spare', { zone: 'a', tags: ['blue'], backup: true });
  const used = async (options: Partial<ConnectOptions>) => {
    const client = await world.connected({ zoneOverload: Number.POSITIVE_INFINITY, ...options });
    await world.clock.run(6_000);
    world.executions.clear();
    for (let i = 0; i < 40; i++) await world.outcome(client);
    return [...new Set([...world.executions.values()].flat())].sort();
  };
  assert.deepEqual(await used({}), ['far', 'green', 'near']);
  assert.deepEqual(await used({ prefer: { zone: 'a' } }), ['green', 'near']);
  assert.deepEqual(await used({ prefer: { tags: ['blue'] } }), ['far', 'near']);
  assert.deepEqual(await used({ prefer: { zone: 'a', tags: ['blue'] } }), ['near']);
  await world.close();
});
