import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, answers, type Behaviour, never, type TestCall, World } from '../../test/support/world.ts';
import { isoTime } from '../core/clock.ts';
import { RpcError } from '../core/error.ts';
import { connectRaw } from './connect-raw.ts';
import type { BreakerEvent } from './events.ts';

const throws: Behaviour = () => {
  throw new Error('boom');
};
const refuses: Behaviour = () => {
  throw new RpcError('FAILED_PRECONDITION', 'not now');
};

type Options = Parameters<World['connected']>[0];

/** A client with a breaker, and what it says of it. */
async function broken(nodes: string[], behaviour: Behaviour, options: Options = {}) {
  const world = new World();
  const made = await world.nodes(...nodes);
  for (const node of made) node.behaviour = behaviour;
  const client = await world.connected({ breaker: true, ...options });
  const events: BreakerEvent[] = [];
  client.on('breaker', (event) => events.push(event));
  const states = () => events.map(({ state }) => state);
  return { world, nodes: made, client, events, states };
}

function openFor(event: BreakerEvent | undefined): number {
  assert.equal(event?.state, 'open');
  return event.for;
}

const isOpen = (call: TestCall) => call.error?.reason === 'CIRCUIT_OPEN';

test('without the option nothing is broken: every call is made, however many fail', async () => {
  const { world, client, states } = await broken(['a'], throws, { breaker: false });
  for (let i = 0; i < 30; i++) {
    const call = await world.outcome(client, 'write');
    assert.equal(call.error?.reason, 'UNHANDLED');
  }
  assert.deepEqual(states(), []);
  await world.close();
});

test('a method that fails is not called any more; the error says since when, why, and when it is tried again', async () => {
  const { world, nodes, client, events } = await broken(['a', 'b'], throws);
  let opened = '';
  client.on('breaker', () => {
    opened = isoTime(world.clock.wallTime());
  });
  for (let i = 0; i < 5; i++) assert.equal((await world.outcome(client, 'write')).error?.reason, 'UNHANDLED');
  assert.deepEqual(events, [
    {
      method: 'write',
      state: 'open',
      cause: 'INTERNAL/UNHANDLED: the handler failed',
      for: openFor(events[0]),
    },
  ]);
  const ran = nodes.flatMap(({ executed }) => executed).length;
  const { error, took } = await world.outcome(client, 'write');
  assert.equal(took, 0);
  assert.deepEqual(
    [error?.label, error?.stage, error?.mayHaveExecuted, error?.attempts],
    ['UNAVAILABLE/CIRCUIT_OPEN', 'unsent', false, []],
  );
  assert.equal((error!.cause as RpcError).reason, 'UNHANDLED');
  const facts =
    /^the circuit of "write" is open since (.*) \(INTERNAL\/UNHANDLED: the handler failed\): the next trial is in (\d+) ms$/;
  const [, since, next] = facts.exec(error!.message)!;
  assert.equal(since, opened);
  assert.equal(error!.retryAfter, Number(next));
  assert.ok(error!.retryAfter! > 500 && error!.retryAfter! <= 1_000);
  assert.equal(nodes.flatMap(({ executed }) => executed).length, ran, 'none was made');
  await world.close();
  world.check();
});

test('the other methods of the service are called as before', async () => {
  const { world, nodes, client } = await broken(['a'], throws);
  for (let i = 0; i < 5; i++) await world.outcome(client, 'write');
  assert.ok(isOpen(await world.outcome(client, 'write')));
  nodes[0]!.behaviour = answers;
  assert.equal((await world.outcome(client, 'read')).error, undefined);
  await world.close();
});

test('health is always asked: how else would a caller learn that the service is back', async () => {
  const { world, nodes, client, states } = await broken(['a'], answers);
  nodes[0]!.kill();
  await world.clock.run(10);
  for (let i = 0; i < 60; i++) {
    const health = assert.rejects(client.health(null, { timeout: 200 }), { reason: 'NO_NODES' });
    await world.clock.run(200);
    await health;
  }
  assert.deepEqual(states(), []);
  await world.close();
});

test('one call tries it; while it is under way the others are not made; if it is answered all are', async () => {
  const { world, nodes, client, events, states } = await broken(['a'], throws);
  for (let i = 0; i < 5; i++) await world.outcome(client, 'write');
  await world.clock.run(openFor(events[0]));
  nodes[0]!.behaviour = after(world.clock, 100);
  const trial = world.call(client, 'write');
  await world.clock.run(50);
  const beside = await world.outcome(client, 'write');
  assert.ok(isOpen(beside));
  assert.match(beside.error!.message, /: a trial is under way$/);
  assert.deepEqual(states(), ['open', 'half-open']);
  await world.clock.run(60);
  assert.equal(trial.value, `write ${trial.id}`);
  assert.deepEqual(states(), ['open', 'half-open', 'closed']);
  assert.equal((await world.outcome(client, 'write')).error, undefined);
  await world.close();
  world.check();
  assert.equal(world.clock.pending, 0);
});

test('a trial that fails opens it for longer; one that the caller gives up is followed by the next', async () => {
  const { world, nodes, client, events, states } = await broken(['a'], throws);
  for (let i = 0; i < 5; i++) await world.outcome(client, 'write');
  await world.clock.run(openFor(events[0]));
  assert.equal((await world.outcome(client, 'write')).error?.reason, 'UNHANDLED');
  assert.deepEqual(states(), ['open', 'half-open', 'open']);
  const second = openFor(events[2]);
  assert.ok(second > 1_000 && second <= 2_000, String(second));
  await world.clock.run(second);
  nodes[0]!.behaviour = never;
  const controller = new AbortController();
  const trial = world.call(client, 'write', { signal: controller.signal });
  await world.clock.run(10);
  controller.abort();
  await world.clock.run(10);
  assert.equal(trial.error?.code, 'CANCELLED');
  nodes[0]!.behaviour = answers;
  assert.equal((await world.outcome(client, 'write')).error, undefined);
  assert.deepEqual(states(), ['open', 'half-open', 'open', 'half-open', 'closed']);
  await world.close();
});

const harmless: [name: string, behaviour: Behaviour, options: Parameters<World['call']>[2]][] = [
  ['an RpcError of the handler', refuses, {}],
  ['a deadline too short to tell', never, { timeout: 99 }],
];

for (const [name, behaviour, options] of harmless) {
  test(`${name} is no failure of the service`, async () => {
    const { world, client, states } = await broken(['a'], behaviour);
    for (let i = 0; i < 30; i++) assert.notEqual((await world.outcome(client, 'write', options)).error, undefined);
    assert.deepEqual(states(), []);
    await world.close();
  });
}

test('callers that cancel are no failure of the service', async () => {
  const { world, client, states } = await broken(['a'], never);
  for (let i = 0; i < 30; i++) {
    const controller = new AbortController();
    world.call(client, 'write', { signal: controller.signal });
    await world.clock.run(200);
    // Even if they say that the time is over: it is their own word.
    controller.abort(new RpcError('UNAVAILABLE', 'the gateway goes away'));
    await world.clock.run(10);
  }
  assert.deepEqual(states(), []);
  await world.close();
});

test('calls that stay unanswered to the end of their time open it', async () => {
  const { world, client, states } = await broken(['a', 'b'], never);
  for (let i = 0; i < 40; i++) {
    world.call(client, 'write', { timeout: 500 });
    await world.clock.run(20);
  }
  assert.deepEqual(states(), ['open']);
  await world.close();
});

test('one node of two or three that does not work opens nothing: weights and retries see to it', async () => {
  for (const names of [
    ['a', 'b'],
    ['a', 'b', 'c'],
  ]) {
    for (const bad of [throws, never]) {
      const { world, nodes, client, states } = await broken(names, answers);
      nodes[0]!.behaviour = bad;
      const calls: TestCall[] = [];
      for (let i = 0; i < 300; i++) {
        calls.push(world.call(client, i % 2 === 0 ? 'read' : 'write', { timeout: 1_000 }));
        await world.clock.run(10);
      }
      await world.clock.run(1_000);
      assert.deepEqual(states(), []);
      assert.ok(!calls.some(isOpen));
      await world.close();
    }
  }
});

test('one node of two that fails as often as the other answers opens nothing; where there is only one, that does', async () => {
  // No weights and no failed list, and failures in a row are a matter of luck: the rate alone tells the two apart.
  const plain: Options = {
    balancer: 'random',
    weights: { floor: 1 },
    suspension: { off: true },
    breaker: { consecutive: 1_000 },
  };
  const { world, nodes, client, states } = await broken(['a', 'b'], answers, plain);
  nodes[0]!.behaviour = throws;
  const calls = Array.from({ length: 400 }, () => world.outcome(client, 'write'));
  const failed = (await Promise.all(calls)).filter(({ error }) => error !== undefined).length;
  assert.ok(failed > 150 && failed < 250, String(failed));
  for (let i = 0; i < 400; i++) await world.outcome(client, 'write');
  assert.deepEqual(states(), []);
  await world.close();

  const alone = await broken(['a'], answers, plain);
  let turn = 0;
  alone.nodes[0]!.behaviour = (input, context) => (turn++ % 2 === 0 ? throws(input, context) : undefined);
  for (let i = 0; i < 11; i++) await alone.world.outcome(alone.client, 'write');
  assert.deepEqual(alone.states(), ['open']);
  await alone.world.close();
});

test('one node that fails at once, before the other has ever answered, opens nothing', async () => {
  const plain: Options = { balancer: 'random', weights: { floor: 1 }, suspension: { off: true } };
  const { world, nodes, client, states } = await broken(['a', 'b'], throws, plain);
  nodes[1]!.behaviour = after(world.clock, 500);
  const calls: TestCall[] = [];
  for (let i = 0; i < 200; i++) {
    calls.push(world.call(client, 'write'));
    await world.clock.run(1);
  }
  assert.ok(calls.filter(({ error }) => error !== undefined).length > 10);
  await world.clock.run(1_000);
  assert.deepEqual(states(), []);
  await world.close();
});

test('one node of two that dies with fifty calls opens nothing', async () => {
  const { world, nodes, client, states } = await broken(['a', 'b'], never);
  const lost = Array.from({ length: 50 }, () => world.call(client, 'write'));
  await world.clock.run(100);
  for (const node of nodes) node.behaviour = answers;
  nodes[0]!.kill();
  await world.clock.run(50);
  assert.ok(lost.filter(({ error }) => error?.reason === 'CONNECTION_LOST').length > 10);
  for (let i = 0; i < 20; i++) assert.equal((await world.outcome(client, 'write')).error, undefined);
  assert.deepEqual(states(), []);
  await world.close();
});

test('a blip of the network that cuts all connections, with fifty calls on them, opens nothing', async () => {
  const { world, nodes, client, states } = await broken(['a', 'b'], never);
  const lost = Array.from({ length: 50 }, () => world.call(client, 'write'));
  await world.clock.run(100);
  for (const node of nodes) node.behaviour = answers;
  for (const { at } of nodes) world.network.reset(at);
  await world.clock.run(10);
  for (const { error } of lost) assert.equal(error?.reason, 'CONNECTION_LOST');
  for (let i = 0; i < 20; i++) assert.equal((await world.outcome(client, 'write')).error, undefined);
  assert.deepEqual(states(), []);
  await world.close();
});

test('an outage of 3 s: calls that wait it out are answered, and those with less time fail without a circuit', async () => {
  for (const timeout of [1_000, 5_000]) {
    const { world, nodes, client, states } = await broken(['a', 'b'], answers);
    for (let i = 0; i < 20; i++) await world.outcome(client);
    const died = world.clock.now();
    for (const node of nodes) node.kill();
    const calls: TestCall[] = [];
    for (let i = 0; i < 300; i++) {
      calls.push(world.call(client, 'read', { timeout }));
      await world.clock.run(10);
    }
    for (const node of nodes) await world.start(node);
    await world.clock.run(6_000);
    // Dialled anew every 2 s at the latest: who can wait so long after the 3 s is answered.
    const patient = calls.filter(({ since }) => since + timeout > died + 3_000 + 2_000);
    for (const { error } of patient) assert.equal(error, undefined);
    assert.ok(timeout < 5_000 || patient.length > 200);
    assert.ok(!calls.some(isOpen));
    assert.deepEqual(states(), []);
    await world.close();
    world.check();
  }
});

test('a longer outage opens it, and the first connection closes it at once', async () => {
  const { world, nodes, client, states } = await broken(['a', 'b'], answers);
  for (const node of nodes) node.kill();
  const opened: number[] = [];
  client.on('breaker', () => opened.push(world.clock.now()));
  const down = world.clock.now();
  const calls: TestCall[] = [];
  for (let i = 0; i < 100; i++) {
    calls.push(world.call(client, 'read', { timeout: 2_000 }));
    await world.clock.run(100);
  }
  assert.equal(states()[0], 'open');
  assert.ok(opened[0]! - down >= 5_000 && opened[0]! - down < 7_500, String(opened[0]! - down));
  assert.ok(isOpen(calls.at(-1)!));
  // The times between trials are long by now.
  await world.clock.run(60_000);
  await world.outcome(client, 'read', { timeout: 2_000 });
  for (const node of nodes) await world.start(node);
  while (!client.nodes().nodes.some(({ state }) => state === 'live')) await world.clock.run(10);
  const first = await world.outcome(client);
  assert.equal(first.error, undefined);
  assert.equal(states().at(-1), 'closed');
  await world.close();
  world.check();
});

test('what nobody knows to be a method has no circuit', async () => {
  const world = new World();
  await world.node('a');
  const { clock, network, random, registryUrl: registry } = world;
  const client = world.closing(connectRaw(undefined, { registry, clock, network, random, breaker: true }));
  const states: string[] = [];
  client.on('breaker', ({ method, state }) => states.push(`${method} ${state}`));
  const call = async (method: string) => {
    const end = client.call({ method, input: { id: '1' }, timeout: 200 }).catch((error: RpcError) => error.label);
    await clock.run(300);
    return end;
  };
  assert.notEqual(await call('read'), 'UNAVAILABLE/NO_NODES');
  world.network.set('a:1', { refusing: true });
  world.network.reset('a:1');
  await clock.run(10);
  for (let i = 0; i < 60; i++) assert.equal(await call(`made-up-${i % 2}`), 'UNAVAILABLE/NO_NODES');
  assert.deepEqual(states, []);
  for (let i = 0; i < 60; i++) await call('read');
  assert.equal(states[0], 'read open');
  await world.close();
});
