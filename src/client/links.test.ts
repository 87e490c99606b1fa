import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, never, World } from '../../test/support/world.ts';

type TestClient = ReturnType<World['client']>;
const row = (client: TestClient, id: string) => client.nodes().nodes.find((node) => node.id === id);

test('one connection to each worker, by no more dials than it takes', async () => {
  const world = new World();
  await world.node('a', { workers: 4 });
  await world.connected();
  assert.equal(world.network.connections('a:1'), 4);
  assert.equal(world.network.dials.get('a:1'), 4);
  await world.clock.run(120_000);
  assert.equal(world.network.dials.get('a:1'), 4);
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test('HELLO says how many workers there are, not the registry', async () => {
  const world = new World();
  const node = await world.node('a', { workers: 3, listed: false });
  node.list({ workers: 1 });
  await world.connected();
  assert.equal(world.network.connections('a:1'), 3);
  await world.close();
});

test('calls go to the worker with the fewest at work', async () => {
  const world = new World();
  const node = await world.node('a', { workers: 3 });
  const client = await world.connected();
  node.behaviour = never;
  for (let i = 0; i < 9; i++) world.call(client, 'write');
  await world.clock.run(10);
  assert.deepEqual(
    node.hosts.map((host) => host!.inFlight),
    [3, 3, 3],
  );
  await world.close();
});

test('where one worker is never reached: at most four dials for each, with pauses, then again after 30 s', async () => {
  const world = new World();
  const node = await world.node('a', { workers: 2, listed: false });
  // It takes no connections: each dial ends at the other one.
  await node.hosts[1]!.refuse();
  node.list();
  const client = await world.connected();
  assert.equal(row(client, 'a')!.state, 'live');
  await world.clock.run(25_000);
  const dials = world.network.dials.get('a:1')!;
  assert.ok(dials > 2 && dials <= 1 + 4 * 2, `${dials} dials`);
  assert.equal(world.network.connections('a:1'), 1);
  await world.clock.run(35_000);
  assert.ok(world.network.dials.get('a:1')! > dials);
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test('one worker that is lost while others answer is no fault of the node; its calls are made again, and it is dialled', async () => {
  const world = new World();
  const node = await world.node('a', { workers: 3 });
  node.behaviour = after(world.clock, 100);
  const client = await world.connected();
  const calls = Array.from({ length: 9 }, () => world.call(client));
  await world.clock.run(10);
  node.killWorker(1);
  await world.clock.run(500);
  for (const { error, over } of calls) assert.ok(over && error === undefined, `${error?.message}`);
  assert.equal(row(client, 'a')!.weight, 1_024);
  assert.equal(row(client, 'a')!.lastCause, 'joined');
  await world.startWorker(node, 1);
  await world.clock.run(5_000);
  assert.equal(world.network.connections('a:1'), 3);
  await world.close();
  world.check();
});

test('a node whose last worker is lost is at fault', async () => {
  const world = new World();
  const node = await world.node('a', { workers: 2 });
  const client = await world.connected();
  node.killWorker(0);
  node.killWorker(1);
  await world.clock.run(10);
  assert.equal(row(client, 'a')!.state, 'connecting');
  assert.equal(row(client, 'a')!.weight, 512);
  await world.close();
});

test('a worker that cannot be reached while another answers is no fault of the node', async () => {
  const world = new World();
  const node = await world.node('a', { workers: 2 });
  const client = await world.connected();
  const changes: unknown[] = [];
  client.on('weight', (change) => changes.push(change));
  const dials = world.network.dials.get('a:1')!;
  node.killWorker(1);
  world.network.set(node.at, { refusing: true });
  await world.clock.run(10_000);
  assert.ok(world.network.dials.get('a:1')! > dials + 3);
  assert.equal(row(client, 'a')!.state, 'live');
  assert.deepEqual(changes, []);
  await world.close();
});

test('a connection that ends in the moment of its HELLO is one that failed', async () => {
  const world = new World();
  const { network } = world;
  const connect = network.connect.bind(network);
  let broken = 3;
  network.connect = (host, port) => {
    const stream = connect(host, port);
    if (broken-- > 0) stream.once('data', () => stream.destroy());
    return stream;
  };
  await world.node('a');
  const client = world.client();
  await world.clock.run(0);
  assert.equal(row(client, 'a')!.state, 'connecting');
  assert.match(row(client, 'a')!.lastCause!, /cannot connect to a:1: it closed the connection at once/);
  assert.equal(row(client, 'a')!.weight, 512);
  await world.clock.run(40);
  assert.equal(world.network.dials.get('a:1'), 1);
  await world.clock.run(1_000);
  assert.equal(row(client, 'a')!.state, 'live');
  await world.close();
});

test('a worker that drains is left, its calls finish, and it is dialled again', async () => {
  const world = new World();
  const node = await world.node('a', { workers: 2 });
  node.behaviour = after(world.clock, 1_000);
  const client = await world.connected({ hedging: false });
  const calls = Array.from({ length: 4 }, () => world.call(client, 'write'));
  await world.clock.run(10);
  const [first] = node.hosts;
  first!.drain();
  await world.clock.run(0);
  assert.equal(row(client, 'a')!.state, 'live');
  const { inFlight } = first!;
  for (let i = 0; i < 4; i++) calls.push(world.call(client, 'write'));
  await world.clock.run(10);
  assert.equal(first!.inFlight, inFlight);
  await world.clock.run(1_200);
  for (const { error, over } of calls) assert.ok(over && error === undefined);
  await first!.refuse();
  await world.startWorker(node, 0);
  await world.clock.run(5_000);
  assert.equal(world.network.connections('a:1'), 2);
  assert.equal(row(client, 'a')!.weight, 1_024);
  await world.close();
  world.check();
});

test('a node that refuses is dialled again with a backoff of 50 ms to 2 s, and its weight falls', async () => {
  const world = new World();
  const node = await world.node('a');
  world.network.set(node.at, { refusing: true });
  const client = await world.connected();
  await world.clock.run(60_000);
  const dials = world.network.dials.get('a:1')!;
  // Never closer than 50 ms, and about every second in the long run.
  assert.ok(dials > 30 && dials < 90, `${dials} dials in a minute`);
  assert.equal(row(client, 'a')!.state, 'connecting');
  assert.equal(row(client, 'a')!.weight, 1);
  assert.match(row(client, 'a')!.lastCause!, /ECONNREFUSED/);
  world.network.set(node.at, { refusing: false });
  await world.clock.run(2_000);
  assert.equal(row(client, 'a')!.state, 'live');
  await world.close();
});

test('a connection on which no HELLO comes is given up after helloTimeout: accepted proves nothing', async () => {
  const world = new World();
  const node = await world.node('a');
  await world.node('b');
  node.freeze();
  const client = await world.connected({ helloTimeout: 700 });
  for (let i = 0; i < 5; i++) assert.equal((await world.outcome(client)).error, undefined);
  await world.clock.run(700);
  assert.match(row(client, 'a')!.lastCause!, /no answer within 700 ms/);
  assert.equal(row(client, 'a')!.state, 'connecting');
  node.thaw();
  await world.clock.run(3_000);
  assert.equal(row(client, 'a')!.state, 'live');
  await world.close();
});

test('a server that says HELLO and ends is not dialled in a loop', async () => {
  const world = new World();
  const node = await world.node('a');
  const client = await world.connected();
  let dials = 0;
  for (let i = 0; i < 2_000; i++) {
    await world.clock.run(10);
    if (world.network.connections(node.at) > 0) {
      dials++;
      world.network.reset(node.at);
    }
  }
  assert.ok(dials < 60, `${dials} connections in 20 s`);
  // One that has lived is lost: the first dial comes soon again.
  await world.clock.run(10_000);
  assert.equal(row(client, 'a')!.state, 'live');
  world.network.reset(node.at);
  await world.clock.run(110);
  assert.equal(row(client, 'a')!.state, 'live');
  await world.close();
});

test('a server that drains from the first is no fault, takes no call, and is asked again', async () => {
  const world = new World();
  const node = await world.node('a', { listed: false });
  node.hosts[0]!.drain();
  node.list();
  const client = await world.connected();
  assert.notEqual(row(client, 'a')!.state, 'live');
  assert.equal(row(client, 'a')!.weight, 1_024);
  const { error } = await world.outcome(client, 'write', { timeout: 500 });
  assert.equal(error?.reason, 'NO_NODES');
  assert.equal(node.executed.length, 0);
  const dials = world.network.dials.get('a:1')!;
  await world.clock.run(2_500);
  assert.ok(world.network.dials.get('a:1')! > dials);
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test('a call at work on a connection that drains for long is answered there, or lost with it', async () => {
  const world = new World();
  const node = await world.node('a');
  const client = await world.connected();
  node.behaviour = after(world.clock, 30_000);
  const finishes = world.call(client, 'write', { timeout: 600_000 });
  await world.clock.run(10);
  node.behaviour = never;
  const dies = world.call(client, 'write', { timeout: 600_000 });
  await world.clock.run(10);
  node.hosts[0]!.drain();
  await world.clock.run(31_000);
  assert.equal(finishes.over && finishes.error, undefined);
  assert.equal(finishes.value, `write ${finishes.id}`);
  await world.clock.run(100_000);
  assert.equal(dies.over, false);
  assert.equal(row(client, 'a')!.inFlight, 1);
  node.kill();
  await world.clock.run(10);
  assert.equal(dies.error?.label, 'UNAVAILABLE/CONNECTION_LOST');
  assert.equal(dies.error?.mayHaveExecuted, true);
  await world.close();
  world.check();
});

test('closing a client ends what drains too, within the grace', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = never;
  const client = await world.connected();
  const call = world.call(client, 'write');
  await world.clock.run(10);
  node.hosts[0]!.drain();
  await world.clock.run(10);
  const closed = client.close(1_000);
  await world.clock.run(2_100);
  await closed;
  assert.equal(call.error?.mayHaveExecuted, true);
  assert.equal(world.network.connections('a:1'), 0);
  await world.close();
  assert.equal(world.clock.pending, 0);
});
