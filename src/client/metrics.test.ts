import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, answers, World } from '../../test/support/world.ts';
import type { MetricSpec, Metrics } from '../core/metrics.ts';

/** Metrics as plain numbers, by name and labels. */
function plainMetrics(): { metrics: Metrics; values: Map<string, number> } {
  const values = new Map<string, number>();
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
  return { metrics: { counter: family, gauge: family, histogram: family }, values };
}

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
  const { metrics, values } = plainMetrics();
  const client = await world.connected({ metrics });
  assert.equal(values.get('evenkeel_client_node_weight a'), 1_024);
  for (const node of [a!, b!]) {
    node.behaviour = () => {
      throw new Error('unhandled');
    };
  }
  for (let i = 0; i < 10; i++) await world.outcome(client, 'write');
  assert.ok(values.get('evenkeel_client_node_weight a')! < 1_024);
  assert.ok(values.get('evenkeel_client_weight_changes_total unhandled')! > 3);
  assert.equal(values.get('evenkeel_client_panic'), 1);
  for (const node of [a!, b!]) node.behaviour = answers;
  for (let i = 0; i < 30; i++) await world.outcome(client, 'write');
  assert.equal(values.get('evenkeel_client_panic'), 0);
  a!.kill();
  a!.unlist();
  await world.clock.run(20_000);
  assert.deepEqual(
    [...values.keys()].filter((key) => key.startsWith('evenkeel_client_node_weight')),
    ['evenkeel_client_node_weight b'],
  );
  await world.close();
});
