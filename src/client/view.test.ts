import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, never, World } from '../../test/support/world.ts';
import { isoTime } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';

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

const unhandled = () => {
  throw new Error('unhandled');
};

test('a change says its cause, the attempt and when; the last fault stays to be seen while the weight rises', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected({ hedging: false });
  const row = () => client.nodes().nodes[0]!;
  assert.deepEqual(row().lastChange, {
    cause: 'joined',
    attempt: null,
    at: '2023-11-14T22:13:20.000Z',
    from: 0,
    to: 1_024,
  });
  assert.equal(row().lastFault, null);
  a!.behaviour = unhandled;
  await world.clock.run(950);
  while (row().lastFault === null) await world.outcome(client, 'write');
  const attempt = 'write: the handler failed';
  const at = '2023-11-14T22:13:21.000Z';
  assert.deepEqual(row().lastFault, { cause: 'unhandled', attempt, at: row().lastChange!.at, from: 1_024, to: 512 });
  assert.ok(row().lastChange!.at >= at);
  assert.equal(row().lastCause, 'unhandled');
  a!.behaviour = answers;
  while (row().weight < 1_024) await world.outcome(client, 'write');
  assert.equal(row().lastCause, 'success');
  assert.equal(row().lastFault!.attempt, attempt);
  assert.equal(client.nodes().time, isoTime(world.clock.wallTime()));
  await world.close();
});

test('shares are of the servers that have the calls; in panic they are even among all', async () => {
  const world = new World();
  const a = await world.node('a', { endpoint: { weight: 2_048 } });
  const b = await world.node('b');
  const c = await world.node('c', { endpoint: { backup: true } });
  const client = await world.connected({ hedging: false, suspension: { off: true } });
  await world.clock.run(200);
  assert.ok(client.nodes().nodes.every(({ state }) => state === 'live'));
  const shown = () => client.nodes().nodes.map(({ share, tier }) => [share, tier]);
  assert.deepEqual(shown(), [
    [0.667, 0],
    [0.333, 0],
    [0, 2],
  ]);
  assert.equal(client.nodes().tier, 0);
  assert.equal(client.nodes().panic, false);
  for (const node of [a, b, c]) node.behaviour = unhandled;
  for (let i = 0; i < 100 && !client.nodes().panic; i++) await world.outcome(client, 'write');
  assert.equal(client.nodes().panic, true);
  assert.deepEqual(
    shown().map(([share]) => share),
    [0.333, 0.333, 0.333],
  );
  a.kill();
  b.kill();
  await world.clock.run(10);
  assert.deepEqual(
    shown().map(([share]) => share),
    [0, 0, 1],
  );
  assert.equal(client.nodes().tier, 2);
  await world.close();
});

test('says who is spared, who is held and who stands still', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const client = await world.connected({ hedging: false, healthInterval: 500, healthTimeout: 200 });
  const rows = () => client.nodes().nodes;
  for (const { held, sparedUntil, stalled } of rows())
    assert.deepEqual([held, sparedUntil, stalled], [[], null, false]);
  a!.behaviour = () => {
    throw new RpcError('RESOURCE_EXHAUSTED', 'full', { reason: 'OVERLOADED', retryAfter: 300 });
  };
  while (rows()[0]!.sparedUntil === null) await world.outcome(client, 'write');
  const until = rows()[0]!.sparedUntil!;
  assert.ok(until > client.nodes().time);
  await world.clock.run(400);
  assert.ok(until < client.nodes().time);
  assert.equal(rows()[0]!.sparedUntil, null);
  b!.freeze();
  for (let i = 0; i < 40; i++) world.call(client, 'write');
  await world.clock.run(100);
  assert.deepEqual(
    rows().map(({ stalled }) => stalled),
    [false, true],
  );
  // Its check is late: until one passes its weight does not rise, and nothing says that it will.
  await world.clock.run(700);
  const { state, held, weight, nextProbe } = rows()[1]!;
  assert.deepEqual([state, held, nextProbe], ['live', ['health'], null]);
  assert.ok(weight < 1_024);
  await world.close();
});

test('says why the registry cannot be read', async () => {
  const world = new World();
  await world.nodes('a');
  const client = await world.connected();
  assert.equal(client.nodes().registry.cause, null);
  world.store.fail(new Error('no quorum'));
  await world.clock.run(1_000);
  const { state, cause } = client.nodes().registry;
  assert.deepEqual([state, cause], ['stale', 'no quorum']);
  world.store.recover();
  await world.clock.run(0);
  assert.equal(client.nodes().registry.cause, null);
  await world.close();
});
