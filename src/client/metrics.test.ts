import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, answers, World } from '../../test/support/world.ts';
import type { MetricSpec, Metrics } from '../core/metrics.ts';

/** Metrics as plain numbers, by name and labels. */
function plainMetrics() {
  const values = new Map<string, number>();
  const updates = new Set<() => void>();
  const family = ({ name }: MetricSpec) => {
    const key = (labels: string[]) => [name, ...labels].join(' ');
    return {
      with: (...labels: string[]) => ({
        add: (amount = 1) => void values.set(key(labels), (values.get(key(labels)) ?? 0) + amount),
        set: (value: number) => void values.set(key(labels), value),
        observe: () => void values.set(key(labels), (values.get(key(labels)) ?? 0) + 1),
      }),
      remove: (...labels: string[]) => void values.delete(key(labels)),
    };
  };
  const onRead = (update: () => void) => {
    updates.add(update);
    return () => void updates.delete(update);
  };
  const metrics: Metrics = { counter: family, gauge: family, histogram: family, onRead };
  /** As a scrape does. */
  const read = () => {
    for (const update of updates) update();
    return values;
  };
  return { metrics, values, read };
}

/** The gauges of clients and their nodes. */
const gauges = (values: Map<string, number>) =>
  Object.fromEntries(
    [...values].filter(([key]) => /^evenkeel_client_(node|budget_left|tier|panic|registry_state)/.test(key)),
  );

/** A state as its series show it. */
function stateOf(values: Map<string, number>, name: string): string[] {
  return [...values]
    .filter(([key, value]) => key.startsWith(`${name} `) && value === 1)
    .map(([key]) => key.slice(name.length + 1));
}

test('gauges say what is true when they are read: of the client, and of each node its weight, share and state', async () => {
  const world = new World();
  await world.node('a', { endpoint: { weight: 3_072 } });
  const b = await world.node('b');
  const { metrics, read } = plainMetrics();
  const client = await world.connected({ metrics });
  assert.deepEqual(gauges(read()), {
    'evenkeel_client_node_weight a': 3_072,
    'evenkeel_client_node_weight b': 1_024,
    'evenkeel_client_node_share a': 0.75,
    'evenkeel_client_node_share b': 0.25,
    'evenkeel_client_node_state a live': 1,
    'evenkeel_client_node_state a connecting': 0,
    'evenkeel_client_node_state a draining': 0,
    'evenkeel_client_node_state a suspended': 0,
    'evenkeel_client_node_state a stale': 0,
    'evenkeel_client_node_state b live': 1,
    'evenkeel_client_node_state b connecting': 0,
    'evenkeel_client_node_state b draining': 0,
    'evenkeel_client_node_state b suspended': 0,
    'evenkeel_client_node_state b stale': 0,
    'evenkeel_client_budget_left test': 100,
    'evenkeel_client_panic test': 0,
    'evenkeel_client_registry_state test known': 1,
    'evenkeel_client_registry_state test pending': 0,
    'evenkeel_client_registry_state test failed': 0,
    'evenkeel_client_registry_state test stale': 0,
    'evenkeel_client_tier test': 0,
  });
  b.kill();
  world.store.fail(new Error('no quorum'));
  await world.clock.run(1_000);
  assert.deepEqual(stateOf(read(), 'evenkeel_client_node_state'), ['a live', 'b connecting']);
  assert.deepEqual(stateOf(read(), 'evenkeel_client_registry_state'), ['test stale']);
  assert.equal(read().get('evenkeel_client_node_share a'), 1);
  await client.close(0);
  assert.deepEqual(gauges(read()), {}, 'a client that is closed leaves nothing');
  await world.close();
});

test('nothing is looked up for a call: only when somebody reads', async () => {
  const world = new World();
  await world.nodes('a', 'b');
  const { metrics, values, read } = plainMetrics();
  const client = await world.connected({ metrics });
  for (let i = 0; i < 20; i++) await world.outcome(client, 'write');
  assert.deepEqual(gauges(values), {});
  read();
  const before = gauges(values);
  for (const node of ['a', 'b']) world.network.reset(`${node}:1`);
  await world.clock.run(1);
  assert.deepEqual(gauges(values), before);
  assert.notDeepEqual(gauges(read()), before);
  await world.close();
});

test('suspensions and returns are counted by cause, checks that failed as well', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const { metrics, values, read } = plainMetrics();
  const client = await world.connected({ metrics, hedging: false });
  a!.behaviour = () => {
    throw new Error('unhandled');
  };
  const suspended = 'evenkeel_client_suspensions_total unhandled';
  for (let i = 0; i < 200 && values.get(suspended) === undefined; i++) await world.outcome(client, 'write');
  assert.equal(values.get(suspended), 1);
  assert.deepEqual(stateOf(read(), 'evenkeel_client_node_state'), ['a suspended', 'b live']);
  await world.clock.run(1_500);
  assert.equal(values.get('evenkeel_client_returns_total probe'), 1);
  assert.equal(values.get('evenkeel_client_health_checks_failed_total'), undefined);
  await world.close();

  const other = new World();
  const node = await other.node('a');
  const plain = plainMetrics();
  await other.connected({ metrics: plain.metrics, healthInterval: 500, healthTimeout: 200 });
  node.freeze();
  await other.clock.run(1_000);
  assert.equal(plain.values.get('evenkeel_client_health_checks_failed_total'), 1);
  await other.close();
});

test('calls count by method and code, a call of several attempts once', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const { metrics, values } = plainMetrics();
  const client = await world.connected({ metrics, hedging: false });
  for (const node of [a!, b!]) node.behaviour = after(world.clock, 50);
  const call = world.call(client);
  await world.clock.run(10);
  world.network.reset(`${world.executions.get(call.id)![0]}:1`);
  await world.clock.run(200);
  assert.equal(call.error, undefined);
  await world.outcome(client, 'write', { timeout: 20 });
  assert.equal(values.get('rpc_client_call_duration_seconds read OK'), 1);
  assert.equal(values.get('rpc_client_call_duration_seconds write DEADLINE_EXCEEDED'), 1);
  assert.equal(values.get('evenkeel_client_attempts_repeated_total retry'), 1);
  assert.equal(values.get('evenkeel_client_attempts_repeated_total hedge'), undefined);
  await world.close();
});

test('hedges and empty budgets are counted', async () => {
  const world = new World();
  const nodes = await world.nodes('a', 'b');
  for (const node of nodes) node.behaviour = after(world.clock, 1_000);
  const { metrics, values } = plainMetrics();
  const client = await world.connected({ metrics, budget: { ratio: 0, perSecond: 0.1 } });
  for (let i = 0; i < 3; i++) world.call(client);
  await world.clock.run(2_000);
  assert.equal(values.get('evenkeel_client_attempts_repeated_total hedge'), 1);
  assert.equal(values.get('evenkeel_client_budget_empty_total'), 2);
  await world.close();
});

test('circuits, what they turn away and fallbacks are counted; the calls themselves are seen to fail', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = () => {
    throw new Error('unhandled');
  };
  const { metrics, values } = plainMetrics();
  const client = await world.connected({ metrics, breaker: true, fallbacks: { write: 'stale' } });
  for (let i = 0; i < 5; i++) await world.outcome(client, 'write');
  assert.equal(values.get('evenkeel_client_circuit_open write'), 1);
  for (let i = 0; i < 3; i++) assert.equal((await world.outcome(client, 'write')).value, 'stale');
  assert.equal(values.get('evenkeel_client_circuit_rejected_total write'), 3);
  assert.equal(values.get('evenkeel_client_fallbacks_total write'), 8);
  assert.equal(values.get('rpc_client_call_duration_seconds write INTERNAL'), 5);
  assert.equal(values.get('rpc_client_call_duration_seconds write UNAVAILABLE'), 3);
  assert.equal(values.get('rpc_client_call_duration_seconds write OK'), undefined);
  node.behaviour = answers;
  await world.clock.run(1_000);
  await world.outcome(client, 'write');
  assert.equal(values.get('evenkeel_client_circuit_open write'), 0);
  assert.equal(values.get('rpc_client_call_duration_seconds write OK'), 1);
  await world.close();
});

test('weights are shown while their node is there; a node that is gone leaves no series behind', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const { metrics, values, read } = plainMetrics();
  const client = await world.connected({ metrics });
  assert.equal(read().get('evenkeel_client_node_weight a'), 1_024);
  for (const node of [a!, b!]) {
    node.behaviour = () => {
      throw new Error('unhandled');
    };
  }
  for (let i = 0; i < 10; i++) await world.outcome(client, 'write');
  assert.ok(read().get('evenkeel_client_node_weight a')! < 1_024);
  assert.ok(values.get('evenkeel_client_weight_changes_total unhandled')! > 3);
  assert.equal(read().get('evenkeel_client_panic test'), 1);
  for (const node of [a!, b!]) node.behaviour = answers;
  for (let i = 0; i < 30; i++) await world.outcome(client, 'write');
  assert.equal(read().get('evenkeel_client_panic test'), 0);
  a!.kill();
  a!.unlist();
  await world.clock.run(20_000);
  assert.deepEqual(
    [...read().keys()].filter((key) => key.startsWith('evenkeel_client_node_') && key.includes(' a')),
    [],
  );
  await world.close();
});
