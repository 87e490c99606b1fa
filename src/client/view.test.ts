import assert from 'node:assert/strict';
import { test } from 'node:test';
import { never, World } from '../../test/support/world.ts';

test('shows every node: what it weighs and takes, what it does, why it is as it is, and when that changes', async () => {
  const world = new World();
  const a = await world.node('a', { endpoint: { weight: 3_072 } });
  await world.node('b');
  const c = await world.node('c');
  world.network.set(c.at, { refusing: true });
  a.behaviour = never;
  const client = await world.connected({ hedging: false });
  world.call(client, 'write');
  world.call(client, 'write');
  await world.clock.run(10);
  const { version, service, registry, budget, nodes } = client.nodes();
  assert.equal(version, 1);
  assert.equal(service, 'test');
  assert.equal(registry.state, 'known');
  assert.equal(registry.since, '2023-11-14T22:13:20.000Z');
  assert.equal(budget, 100);
  const [first, second, third] = nodes;
  assert.deepEqual(
    nodes.map(({ id, addr, base, share, state }) => [id, addr, base, share, state]),
    [
      ['a', 'a:1', 3_072, 0.75, 'live'],
      ['b', 'b:1', 1_024, 0.25, 'live'],
      ['c', 'c:1', 1_024, 0, 'connecting'],
    ],
  );
  assert.equal(first!.weight, 3_072);
  assert.ok(third!.weight < 1_024);
  assert.equal(first!.inFlight + second!.inFlight, a.executed.length);
  assert.equal(first!.lastCause, 'joined');
  assert.equal(first!.nextProbe, null);
  assert.match(third!.lastCause!, /^cannot connect to c:1: connect ECONNREFUSED/);
  // It is dialled again then.
  const dials = world.network.dials.get('c:1')!;
  const next = (text: string | null) => Number(/20\.(\d{3})Z$/.exec(text!)![1]);
  await world.clock.run(next(third!.nextProbe) - world.clock.now() - 1);
  assert.equal(world.network.dials.get('c:1'), dials);
  await world.clock.run(2);
  assert.equal(world.network.dials.get('c:1'), dials + 1);
  // A node that is live and has failed shows when its weight rises.
  a.behaviour = () => {
    throw new Error('unhandled');
  };
  while (client.nodes().nodes[0]!.weight === 3_072) await world.outcome(client, 'write');
  const { nextProbe, weight } = client.nodes().nodes[0]!;
  await world.clock.run(next(nextProbe) - world.clock.now() + 110);
  assert.equal(client.nodes().nodes[0]!.weight, 2 * weight);
  await world.close();
});
