import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../test/support/world.ts';

test('calls wait for the first connection, and are made in order when it is there', async () => {
  const world = new World();
  const client = world.client();
  const calls = Array.from({ length: 5 }, () => world.call(client, 'write'));
  await world.clock.run(1_000);
  assert.ok(calls.every(({ over }) => !over));
  const node = await world.node('a');
  await world.clock.run(50);
  assert.deepEqual(
    node.executed,
    calls.map(({ id }) => `write ${id}`),
  );
  await world.close();
  world.check();
  assert.equal(world.clock.pending, 0);
});

test('as many may wait as maxWaiting says; one more fails at once', async () => {
  for (const maxWaiting of [0, 3]) {
    const world = new World();
    const client = world.client({ maxWaiting });
    const waiting = Array.from({ length: maxWaiting }, () => world.call(client));
    await world.clock.run(0);
    assert.ok(waiting.every(({ over }) => !over));
    const { error, took } = await world.outcome(client);
    assert.equal(error?.label, 'UNAVAILABLE/NO_NODES');
    assert.equal(error?.stage, 'unsent');
    assert.match(error!.message, new RegExp(`: ${maxWaiting} calls wait for a server already; `));
    assert.equal(took, 0);
    // Who leaves makes room.
    await world.clock.run(6_000);
    assert.ok(waiting.every(({ error }) => error?.reason === 'NO_NODES'));
    if (maxWaiting > 0) {
      const next = world.call(client);
      await world.clock.run(0);
      assert.equal(next.over, false);
    }
    await world.close();
    world.check();
  }
});

test('the wait ends after connectTimeout, or a little before the deadline, with why', async () => {
  for (const [connectTimeout, timeout, least, most] of [
    [1_000, 5_000, 1_000, 1_020],
    [5_000, 1_000, 970, 1_000],
    [0, 5_000, 0, 20],
  ] as const) {
    const world = new World();
    const client = world.client({ connectTimeout });
    const { error, took } = await world.outcome(client, 'write', { timeout });
    assert.equal(error?.label, 'UNAVAILABLE/NO_NODES');
    assert.equal(error?.mayHaveExecuted, false);
    assert.ok(took >= least && took < most, `${took}`);
    await world.close();
    assert.equal(world.clock.pending, 0);
  }
});

test('the error lists the last cause of each node', async () => {
  const world = new World();
  const [a, b, c] = await world.nodes('a', 'b', 'c');
  world.network.set(a!.at, { refusing: true });
  b!.freeze();
  c!.hosts[0]!.drain();
  const client = world.client();
  const { error } = await world.outcome(client);
  const causes = error!.message.split('; ');
  assert.match(causes[0]!, /^no server can be reached: a \(a:1\): cannot connect to a:1: connect ECONNREFUSED/);
  assert.match(causes[1]!, /^b \(b:1\): cannot connect to b:1: no answer within 1000 ms$/);
  assert.match(causes[2]!, /^c \(c:1\): /);
  assert.equal(causes.length, 3);
  await world.close();
});

test('a service known to be empty waits the same way', async () => {
  const world = new World();
  const client = await world.connected();
  assert.equal(client.nodes().registry.state, 'known');
  const { error, took } = await world.outcome(client);
  assert.equal(error?.message, 'no server can be reached: the registry lists none');
  assert.ok(took >= 4_970, `${took}`);
  await world.close();
});

test('a call that is cancelled while it waits leaves the queue and is never sent', async () => {
  const world = new World();
  const client = world.client({ maxWaiting: 1 });
  const controller = new AbortController();
  const call = world.call(client, 'write', { signal: controller.signal });
  await world.clock.run(100);
  controller.abort();
  await world.clock.run(0);
  assert.equal(call.error?.code, 'CANCELLED');
  assert.equal(call.error?.stage, 'unsent');
  assert.equal(call.error?.mayHaveExecuted, false);
  // There is room again.
  const next = world.call(client, 'write');
  const node = await world.node('a');
  await world.clock.run(50);
  assert.deepEqual(node.executed, [`write ${next.id}`]);
  await world.close();
  world.check();
});

test('a call that is cancelled in the moment in which a node comes is not sent either', async () => {
  // The waiting call is woken first; its caller gives up before it is sent, at each of the moments between.
  for (let moments = 0; moments < 8; moments++) {
    const world = new World();
    const client = world.client();
    const controller = new AbortController();
    const call = world.call(client, 'write', { signal: controller.signal });
    await world.clock.run(10);
    const node = await world.node('a');
    const { network } = world;
    const connect = network.connect.bind(network);
    network.connect = (host, port) => {
      const stream = connect(host, port);
      stream.once('data', async () => {
        for (let i = 0; i < moments; i++) await Promise.resolve();
        controller.abort();
      });
      return stream;
    };
    await world.clock.run(50);
    assert.ok(call.over);
    if (!call.error!.mayHaveExecuted) assert.equal(node.executed.length, 0, `after ${moments} moments`);
    await world.close();
    world.check();
  }
});

test('a call whose node goes while it is woken waits on, within the same deadline', async () => {
  const world = new World();
  const client = world.client();
  const call = world.call(client, 'write', { timeout: 3_000 });
  await world.clock.run(10);
  const node = await world.node('a');
  await world.clock.run(0);
  node.kill();
  await world.clock.run(3_100);
  assert.ok(call.over);
  await world.close();
  world.check();
});
