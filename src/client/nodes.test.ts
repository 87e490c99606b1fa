import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, answers, type Behaviour, never, type TestNode, World } from '../../test/support/world.ts';
import { method, service } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import type { Registry, View } from '../registry/registry.ts';
import { connect } from './connect.ts';
import type { ClientEvents } from './events.ts';

type TestClient = ReturnType<World['client']>;

const row = (client: TestClient, id: string) => client.nodes().nodes.find((node) => node.id === id);
const weight = (client: TestClient, id: string) => row(client, id)?.weight;
const state = (client: TestClient, id: string) => row(client, id)?.state;

/** Notes what a client tells. */
function heard<Name extends keyof ClientEvents>(client: TestClient, name: Name): ClientEvents[Name][] {
  const facts: ClientEvents[Name][] = [];
  client.on(name, (fact) => void facts.push(fact));
  return facts;
}

/** Nodes that answered so many reads, with how many. */
async function shares(world: World, client: TestClient, nodes: readonly TestNode[], calls: number) {
  for (const node of nodes) node.executed.length = 0;
  for (let i = 0; i < calls; i++) await world.outcome(client);
  return nodes.map(({ executed }) => executed.length);
}

test('a node that is lost while it works is at fault once, however many calls it takes with it', async () => {
  const world = new World();
  const [a] = await world.nodes('a');
  a!.behaviour = never;
  const client = await world.connected({ hedging: false });
  const changes = heard(client, 'weight');
  const calls = Array.from({ length: 50 }, () => world.call(client, 'write'));
  await world.clock.run(10);
  world.network.reset('a:1');
  await world.clock.run(0);
  for (const { error } of calls) assert.equal(error?.label, 'UNAVAILABLE/CONNECTION_LOST');
  assert.deepEqual(
    changes.map(({ from, to, cause }) => [from, to, cause]),
    [[1_024, 512, 'lost']],
  );
  await world.close();
});

test('weights are taken down once for each attempt, and come back by success', async () => {
  const world = new World();
  const [a] = await world.nodes('a');
  const unhandled: Behaviour = () => {
    throw new Error('unhandled');
  };
  const client = await world.connected();
  const changes = heard(client, 'weight');
  a!.behaviour = unhandled;
  for (let i = 0; i < 3; i++) await world.outcome(client, 'write');
  a!.behaviour = answers;
  for (let i = 0; i < 4; i++) await world.outcome(client, 'write');
  assert.deepEqual(
    changes.filter(({ cause }) => cause !== 'time').map(({ to, cause }) => `${to} ${cause}`),
    ['512 unhandled', '256 unhandled', '128 unhandled', '256 success', '512 success', '1024 success'],
  );
  await world.close();
});

test('an answer in the form of an error is a success of the node', async () => {
  const world = new World();
  const [a] = await world.nodes('a');
  a!.behaviour = () => {
    throw new RpcError('UNAVAILABLE', 'my own database', { reason: 'CONNECTION_LOST' });
  };
  const client = await world.connected();
  for (let i = 0; i < 5; i++) {
    const { error } = await world.outcome(client, 'read');
    assert.equal(error?.stage, 'answered');
  }
  assert.equal(weight(client, 'a'), 1_024);
  assert.equal(a!.executed.length, 5);
  const answer = a!.behaviour;
  a!.behaviour = () => {
    throw new Error('unhandled');
  };
  await world.outcome(client, 'write');
  assert.equal(weight(client, 'a'), 512);
  a!.behaviour = answer;
  await world.outcome(client, 'write');
  assert.equal(weight(client, 'a'), 1_024);
  await world.close();
});

test("a caller's tiny deadline is no fault of a node that drains", async () => {
  const world = new World();
  const [a] = await world.nodes('a');
  a!.behaviour = never;
  const client = await world.connected();
  const call = world.call(client, 'write', { timeout: 50 });
  await world.clock.run(10);
  a!.hosts[0]!.drain();
  await world.clock.run(60);
  assert.equal(call.error?.code, 'DEADLINE_EXCEEDED');
  assert.equal(weight(client, 'a'), 1_024);
  await world.close();
});

test('a call whose node is gone is made at the only other one at once', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  for (const node of [a!, b!]) node.behaviour = after(world.clock, 100);
  const client = await world.connected({ hedging: false });
  const call = world.call(client);
  await world.clock.run(10);
  const [gone, left] = world.executions.get(call.id)![0] === 'a' ? [a!, b!] : [b!, a!];
  gone.kill();
  await world.clock.run(0);
  assert.deepEqual(world.executions.get(call.id), [gone.id, left.id]);
  await world.clock.run(200);
  await world.close();
  world.check();
});

test('what an attempt shows of a node that was forgotten says nothing of the one that came back', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected({ retention: 100, hedging: false });
  a!.behaviour = never;
  const calls = Array.from({ length: 8 }, () => world.call(client, 'write', { timeout: 3_000 }));
  await world.clock.run(10);
  assert.ok(a!.executed.length > 0);
  a!.unlist();
  await world.clock.run(500);
  assert.equal(row(client, 'a'), undefined);
  a!.list();
  await world.clock.run(10);
  const changes = heard(client, 'weight');
  await world.clock.run(4_000);
  assert.ok(calls.every(({ over }) => over));
  assert.deepEqual([...new Set(changes.map(({ cause }) => cause))], ['slow-start']);
  await world.close();
});

test('an empty list that meets a node between two connections does not make it gone', async () => {
  const world = new World();
  const [a] = await world.nodes('a');
  const client = await world.connected();
  // Whether it is heard of before the cut or after it.
  for (const first of [() => world.clock.run(0), () => Promise.resolve()]) {
    world.network.reset('a:1');
    await first();
    a!.unlist();
    await world.clock.run(0);
    assert.equal(state(client, 'a'), 'connecting');
    await world.clock.run(5_000);
    assert.equal(state(client, 'a'), 'live');
    a!.list();
    await world.clock.run(0);
  }
  await world.close();
});

test('the loser of a hedge is told to stop, and is not at fault for it', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  a!.behaviour = after(world.clock, 1_000);
  b!.behaviour = after(world.clock, 1_000);
  const client = await world.connected();
  const call = world.call(client);
  await world.clock.run(10);
  const [first] = world.executions.get(call.id)!;
  const [slow, quick] = first === 'a' ? [a!, b!] : [b!, a!];
  quick.behaviour = answers;
  await world.clock.run(450);
  assert.equal(call.error, undefined);
  assert.deepEqual(world.executions.get(call.id), [slow.id, quick.id]);
  assert.equal(slow.contexts[0]!.signal.aborted, true);
  assert.equal(weight(client, 'a'), 1_024);
  assert.equal(weight(client, 'b'), 1_024);
  await world.close();
});

test('an overloaded node is left for another one', async () => {
  const world = new World();
  const a = await world.node('a', { serve: { maxConcurrent: 1, maxQueueTime: 0 } });
  const b = await world.node('b');
  a.behaviour = never;
  const client = await world.connected({ hedging: false, balancer: 'random' });
  const calls = Array.from({ length: 20 }, () => world.call(client, 'write'));
  await world.clock.run(100);
  const waiting = calls.filter(({ over }) => !over);
  assert.equal(waiting.length, 1);
  assert.equal(b.executed.length, 19);
  assert.equal(row(client, 'a')!.lastCause, 'overload');
  await world.close();
});

test('a node that says DRAIN leaves the pick at once and without fault; what it works on is finished', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  a!.behaviour = after(world.clock, 3_000);
  b!.behaviour = after(world.clock, 3_000);
  const client = await world.connected({ hedging: false });
  const changes = heard(client, 'weight');
  const before = Array.from({ length: 10 }, () => world.call(client, 'write'));
  await world.clock.run(10);
  assert.ok(a!.executed.length > 0);
  const left = a!.leave(4_000);
  await world.clock.run(10);
  b!.behaviour = answers;
  assert.equal(state(client, 'a'), 'draining');
  const executed = a!.executed.length;
  for (let i = 0; i < 20; i++) assert.equal((await world.outcome(client, 'write')).error, undefined);
  assert.equal(a!.executed.length, executed);
  await world.clock.run(10_000);
  await left;
  for (const { error } of before) assert.equal(error, undefined);
  assert.deepEqual(changes, []);
  assert.equal(row(client, 'a'), undefined);
  await world.close();
  world.check();
});

test('a call that meets DRAIN on its way is refused, and made elsewhere for nothing', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  for (const node of [a!, b!]) world.network.set(node.at, { latency: 20 });
  const client = await world.connected({ budget: { ratio: 0, perSecond: 0 } });
  await world.clock.run(100);
  const budgetEmpty = heard(client, 'budget-empty');
  const left = a!.leave(0);
  const calls = Array.from({ length: 20 }, () => world.call(client, 'write'));
  await world.clock.run(200);
  for (const { error, over } of calls) assert.ok(over && error === undefined, `${error?.message}`);
  assert.equal(b!.executed.length, 20);
  assert.deepEqual(budgetEmpty, []);
  await world.clock.run(5_000);
  await left;
  await world.close();
  world.check();
});

test('a framed node that the registry forgets is kept while it is well, for as long as retention says', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const client = await world.connected({ retention: 600_000 });
  const left = heard(client, 'left');
  a!.unlist();
  await world.clock.run(599_000);
  const counts = await shares(world, client, [a!, b!], 40);
  assert.ok(counts[0]! > 5, `${counts}`);
  await world.clock.run(1_000);
  assert.deepEqual(left, [{ id: 'a' }]);
  assert.deepEqual(await shares(world, client, [a!, b!], 10), [0, 10]);
  await world.close();
});

test('a node that is forgotten and known again in time is as if nothing had been', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected({ retention: 10_000 });
  a!.unlist();
  await world.clock.run(9_000);
  a!.list();
  await world.clock.run(20_000);
  assert.equal(state(client, 'a'), 'live');
  assert.equal(weight(client, 'a'), 1_024);
  await world.close();
});

test('a framed node that is forgotten and cannot be reached is gone', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected();
  a!.kill();
  await world.clock.run(10);
  assert.equal(state(client, 'a'), 'connecting');
  a!.unlist();
  await world.clock.run(0);
  assert.equal(row(client, 'a'), undefined);
  await world.close();
});

test('what works on a node that is dropped is finished all the same', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  a!.behaviour = after(world.clock, 2_000);
  const client = await world.connected({ retention: 500, hedging: false });
  const calls = Array.from({ length: 8 }, () => world.call(client, 'write'));
  await world.clock.run(10);
  a!.unlist();
  await world.clock.run(1_000);
  assert.equal(row(client, 'a'), undefined);
  await world.clock.run(2_000);
  for (const { over, error } of calls) assert.ok(over && error === undefined);
  await world.close();
  world.check();
});

test('a classic node that is not in the list leaves the pick at once, unless the whole list is empty', async () => {
  const world = new World();
  const classic = { endpoint: { protocol: 'classic' } } as const;
  const [a, b] = [await world.node('a', classic), await world.node('b', classic)];
  const client = await world.connected();
  assert.equal(state(client, 'a'), 'live');
  a.unlist();
  await world.clock.run(0);
  assert.equal(row(client, 'a'), undefined);
  b.unlist();
  await world.clock.run(60_000);
  assert.equal(state(client, 'b'), 'live');
  assert.equal((await world.outcome(client)).error, undefined);
  // A list that holds another one is believed.
  a.list();
  await world.clock.run(0);
  assert.equal(row(client, 'b'), undefined);
  await world.close();
});

test('an empty list wipes nothing that is well; what is refused meanwhile is gone', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const client = await world.connected();
  a!.unlist();
  b!.unlist();
  await world.clock.run(5_000);
  assert.equal((await world.outcome(client)).error, undefined);
  a!.kill();
  await world.clock.run(200);
  assert.equal(row(client, 'a'), undefined);
  assert.equal(state(client, 'b'), 'live');
  b!.kill();
  await world.clock.run(200);
  assert.deepEqual(client.nodes().nodes, []);
  const { error, took } = await world.outcome(client, 'read', { timeout: 1_000 });
  assert.equal(error?.label, 'UNAVAILABLE/NO_NODES');
  assert.match(error!.message, /the registry lists none/);
  assert.ok(took < 1_010, `${took}`);
  await world.close();
});

test('even a node at the lowest weight is gone once it is forgotten and refuses', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const client = await world.connected();
  a!.kill();
  await world.clock.run(60_000);
  a!.unlist();
  b!.unlist();
  await world.clock.run(5_000);
  assert.equal(row(client, 'a'), undefined);
  await world.close();
});

test('a registry that fails takes nothing away; it is stale, which is told once', async () => {
  const world = new World();
  await world.nodes('a');
  const client = await world.connected();
  const stale = heard(client, 'registry-stale');
  assert.equal(client.nodes().registry.state, 'known');
  world.store.fail(new Error('no quorum'));
  await world.clock.run(30_000);
  world.store.fail(new Error('no leader'));
  await world.clock.run(30_000);
  assert.equal(client.nodes().registry.state, 'stale');
  assert.deepEqual(stale, [{ cause: 'no quorum' }]);
  assert.equal((await world.outcome(client)).error, undefined);
  world.store.recover();
  await world.clock.run(0);
  assert.equal(client.nodes().registry.state, 'known');
  await world.close();
});

test('a registry that never was known has failed, and a call says so', async () => {
  const world = new World();
  world.store.fail(new Error('no quorum'));
  const client = await world.connected();
  assert.equal(client.nodes().registry.state, 'failed');
  const { error } = await world.outcome(client, 'read', { timeout: 500 });
  assert.match(error!.message, /^no server can be reached: the registry cannot be read: no quorum$/);
  await world.close();
});

test('an entry that cannot be is left out, and the others are used', async () => {
  const world = new World();
  const [a] = await world.nodes('a');
  const wrong = { ...a!.endpoint, id: 'wrong', weight: 0 };
  const registry: Registry = {
    url: 'test:',
    async *watch(signal: AbortSignal): AsyncIterable<View> {
      yield { state: 'known', endpoints: [wrong, a!.endpoint] };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
    announce: () => {
      throw new Error('not here');
    },
    async *settings() {},
    configure: async () => {},
    status: () => ({}),
    close: async () => {},
  };
  const client = await world.connected({ registry });
  assert.deepEqual(
    client.nodes().nodes.map(({ id }) => id),
    ['a'],
  );
  assert.equal((await world.outcome(client)).error, undefined);
  await world.close();
});

test('a weight that changes is taken over, faults and all', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const client = await world.connected();
  a!.list({ weight: 4_096 });
  await world.clock.run(0);
  assert.equal(weight(client, 'a'), 4_096);
  assert.equal(row(client, 'a')!.base, 4_096);
  const counts = await shares(world, client, [a!, b!], 200);
  assert.ok(counts[0]! > 3 * counts[1]!, `${counts}`);
  await world.close();
});

test('newcomers start slowly, survivors keep what they have; the first of all start full', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected();
  assert.equal(weight(client, 'a'), 1_024);
  a!.behaviour = () => {
    throw new Error('unhandled');
  };
  while (weight(client, 'a')! > 256) await world.outcome(client, 'write');
  const before = weight(client, 'a');
  await world.node('c');
  await world.clock.run(0);
  assert.equal(weight(client, 'a'), before);
  assert.equal(weight(client, 'b'), 1_024);
  assert.equal(weight(client, 'c'), 128);
  await world.clock.run(2_600);
  const half = weight(client, 'c')!;
  assert.ok(half > 400 && half < 700, `${half}`);
  await world.clock.run(2_600);
  assert.equal(weight(client, 'c'), 1_024);
  assert.equal(weight(client, 'a'), 1_024);
  await world.close();
});

test('a node at the floor comes back by its heartbeats alone, within 10 s', async () => {
  const world = new World();
  const [a] = await world.nodes('a');
  const client = await world.connected();
  a!.behaviour = () => {
    throw new Error('unhandled');
  };
  for (let i = 0; i < 15; i++) await world.outcome(client, 'write');
  assert.equal(weight(client, 'a'), 1);
  await world.clock.run(10_000);
  assert.equal(weight(client, 'a'), 1_024);
  await world.close();
});

test('a node that falls silent is at fault before it is given up, once; and again the next time', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected();
  const changes = heard(client, 'weight');
  a!.freeze();
  await world.clock.run(2_600);
  assert.deepEqual(
    changes.map(({ id, cause }) => `${id} ${cause}`),
    ['a heartbeat'],
  );
  assert.equal(state(client, 'a'), 'live');
  a!.thaw();
  await world.clock.run(10_000);
  assert.equal(weight(client, 'a'), 1_024);
  a!.freeze();
  await world.clock.run(4_000);
  assert.deepEqual(
    changes.filter(({ cause }) => cause !== 'time').map(({ cause }) => cause),
    ['heartbeat', 'heartbeat', 'lost', 'refused'],
  );
  assert.equal(state(client, 'a'), 'connecting');
  await world.close();
});

test('a frozen node swallows few calls, and none that may be made again', async () => {
  const world = new World();
  const nodes = await world.nodes('a', 'b', 'c');
  for (const node of nodes) node.behaviour = after(world.clock, 5);
  const client = await world.connected();
  for (let i = 0; i < 100; i++) {
    world.call(client);
    await world.clock.run(3);
  }
  const [a] = nodes;
  a!.freeze();
  const calls = [];
  for (let i = 0; i < 1_500; i++) {
    calls.push(world.call(client));
    await world.clock.run(3);
  }
  await world.clock.run(5_000);
  for (const { error, over } of calls) assert.ok(over && error === undefined, `${error?.message}`);
  const slow = calls.filter(({ took }) => took > 90).length;
  assert.ok(slow <= 20, `${slow} calls were swallowed`);
  await world.close();
  world.check();
});

test('when every node looks bad all are picked alike; it is told when that begins and ends', async () => {
  const world = new World();
  const nodes = await world.nodes('a', 'b');
  const client = await world.connected();
  const panic = heard(client, 'panic');
  for (const node of nodes) {
    node.behaviour = () => {
      throw new Error('unhandled');
    };
  }
  for (let i = 0; i < 10; i++) await world.outcome(client, 'write');
  assert.deepEqual(panic, [{ on: true }]);
  for (const node of nodes) node.behaviour = answers;
  for (let i = 0; i < 30; i++) await world.outcome(client, 'write');
  assert.deepEqual(panic, [{ on: true }, { on: false }]);
  await world.close();
});

test('an address that another server has now is stale: not used, tried again after 30 s, gone when it is forgotten', async () => {
  const world = new World();
  await world.node('b');
  const node = await world.node('new', { endpoint: { host: 'a' }, listed: false });
  world.store.set({ ...node.endpoint, id: 'old', idAnnounced: true });
  const client = await world.connected();
  assert.equal(state(client, 'old'), 'stale');
  assert.match(row(client, 'old')!.lastCause!, /a:1 is another server: instance new answers, expected old/);
  for (let i = 0; i < 10; i++) assert.equal((await world.outcome(client)).error, undefined);
  assert.equal(node.executed.length, 0);
  const dials = world.network.dials.get('a:1');
  await world.clock.run(29_000);
  assert.equal(world.network.dials.get('a:1'), dials);
  await world.clock.run(1_500);
  assert.equal(world.network.dials.get('a:1'), dials! + 1);
  world.store.delete('old');
  await world.clock.run(0);
  assert.equal(row(client, 'old'), undefined);
  await world.close();
});

test('a server of another service is stale, whatever its id', async () => {
  const world = new World();
  const node = await world.node('a');
  const { clock, network, random } = world;
  const contract = service('other', { read: method() });
  const other = world.closing(connect(contract, { registry: 'static:a:1', clock, network, random }));
  await clock.run(50);
  assert.equal(other.nodes().nodes[0]!.state, 'stale');
  assert.match(other.nodes().nodes[0]!.lastCause!, /service "test" answers, expected "other"/);
  const failed = other.read(1, { timeout: 200 }).catch((error) => error as RpcError);
  await clock.run(300);
  assert.equal(((await failed) as RpcError).label, 'UNAVAILABLE/NO_NODES');
  assert.equal(node.executed.length, 0);
  await world.close();
});

test('a server that learnt to speak framed is spoken to so; one that was seen framed never falls back', async () => {
  const world = new World();
  const node = await world.node('a', { endpoint: { protocol: 'classic', idAnnounced: false, id: 'a:1' } });
  const client = await world.connected();
  const dials = () => world.network.dials.get('a:1');
  assert.equal(dials(), 1);
  node.list({ protocol: 'framed' });
  await world.clock.run(10);
  assert.equal(dials(), 2);
  assert.equal(state(client, 'a:1'), 'live');
  node.list({ protocol: 'classic' });
  await world.clock.run(10);
  assert.equal(dials(), 2);
  await world.close();
});

test('a server that comes back under its id at another address is reached there', async () => {
  const world = new World();
  const node = await world.node('a');
  const client = await world.connected();
  node.kill();
  const moved = await world.node('a', { endpoint: { host: 'elsewhere', id: 'a' } });
  await world.clock.run(50);
  assert.equal(row(client, 'a')!.addr, 'elsewhere:1');
  assert.equal((await world.outcome(client)).error, undefined);
  assert.equal(moved.executed.length, 1);
  await world.close();
});
