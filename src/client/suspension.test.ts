import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, answers, type Behaviour, World } from '../../test/support/world.ts';
import { Encoded } from '../core/call.ts';
import { connectRaw } from './connect-raw.ts';

const unhandled: Behaviour = () => {
  throw new Error('unhandled');
};

test('a node that fails for real is suspended, probed with health, and comes back', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected();
  const said: string[] = [];
  client.on('suspended', ({ id, cause }) => void said.push(`${id} suspended ${cause}`));
  client.on('returned', ({ id, cause }) => void said.push(`${id} returned ${cause}`));
  a!.behaviour = unhandled;
  // Its handler fails, its `health` does not: nobody's call is used to find out.
  for (let i = 0; i < 200 && said.length === 0; i++) await world.outcome(client, 'write');
  assert.deepEqual(said, ['a suspended unhandled']);
  const row = client.nodes().nodes.find(({ id }) => id === 'a')!;
  assert.equal(row.state, 'suspended');
  assert.equal(row.share, 0);
  assert.ok(row.nextProbe !== null);
  a!.executed.length = 0;
  a!.behaviour = answers;
  for (let i = 0; i < 20; i++) await world.outcome(client, 'write');
  assert.equal(a!.executed.length, 0);
  await world.clock.run(1_500);
  assert.deepEqual(said.slice(1), ['a returned probe']);
  for (let i = 0; i < 100; i++) await world.outcome(client, 'write');
  assert.ok(a!.executed.length > 20);
  await world.close();
  world.check();
});

test('a suspended node whose health cannot be asked stays where it is', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected();
  let suspensions = 0;
  client.on('suspended', () => void suspensions++);
  a!.behaviour = unhandled;
  for (let i = 0; i < 200 && suspensions === 0; i++) await world.outcome(client, 'write');
  a!.freeze();
  await world.clock.run(2_400);
  assert.equal(suspensions, 2, 'the probe had no answer');
  // The frozen connection is given up; a new one alone is no proof.
  await world.clock.run(3_000);
  a!.thaw();
  a!.behaviour = answers;
  await world.clock.run(8_000);
  assert.equal(client.nodes().nodes.find(({ id }) => id === 'a')!.state, 'live');
  await world.close();
});

test('a classic server is asked for an answer at all', async () => {
  const world = new World();
  const a = await world.node('a', { endpoint: { protocol: 'classic', idAnnounced: false } });
  await world.node('b', { endpoint: { protocol: 'classic', idAnnounced: false } });
  const { clock, network, random } = world;
  const client = world.closing(connectRaw('test', { registry: world.registryUrl, clock, network, random }));
  await world.clock.run(50);
  const said: string[] = [];
  client.on('suspended', ({ id }) => void said.push(`${id} suspended`));
  client.on('returned', ({ id }) => void said.push(`${id} returned`));
  // A classic error has no reason: what a handler throws is its answer. But it may go down with each call.
  a.behaviour = () => {
    world.network.reset('a:1');
    return new Promise(() => {});
  };
  for (let i = 0; i < 200 && said.length === 0; i++) {
    const call = client.call({ method: 'write', input: new Encoded('json', Buffer.from('{"id":"1"}')) });
    call.catch(() => {});
    await world.clock.run(50);
  }
  a.behaviour = answers;
  await world.clock.run(2_000);
  assert.deepEqual(said, ['a suspended', 'a returned']);
  await world.close();
});

test('a frozen server gets at most 20 attempts at 300 calls a second, even where the others are newcomers', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World(seed);
    const a = await world.node('a');
    a.behaviour = after(world.clock, 10);
    const client = await world.connected();
    for (const id of ['b', 'c']) (await world.node(id)).behaviour = after(world.clock, 10);
    await world.clock.run(300);
    a.freeze();
    let attempts = 0;
    const weighed = client.nodes().nodes.find(({ id }) => id === 'a')!;
    assert.equal(weighed.share > 0.7, true, 'the others have just come');
    for (let i = 0; i < 1_500; i++) {
      world.call(client);
      await world.clock.run(i % 3 === 0 ? 4 : 3);
    }
    a.thaw();
    await world.clock.run(6_000);
    attempts = a.executed.length;
    assert.ok(attempts <= 20, `seed ${seed}: ${attempts} attempts`);
    for (const done of world.calls) await done;
    await world.close();
    world.check();
  }
});
