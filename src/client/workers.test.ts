/** A server of several worker processes, of which one is not well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../test/support/world.ts';

/** The only server, with two workers. */
async function twoWorkers(seed: number) {
  const world = new World(seed);
  const node = await world.node('a', { workers: 2 });
  const client = await world.connected();
  await world.clock.run(1_000);
  return { world, node, client };
}

test('a call that may be repeated is also sent to another worker of the only server, where its own stands still', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { world, node, client } = await twoWorkers(seed);
    world.network.freezeOne(node.at);
    // A connection is given up after 3 s of silence; a sign of life is overdue after 2.
    for (let i = 0; i < 20; i++) {
      const call = await world.outcome(client, 'read', { timeout: 2_900 });
      assert.equal(call.error, undefined, `seed ${seed}, call ${i}: ${call.error?.label}`);
    }
    await world.close();
    world.check();
  }
});

test('one that may not is not', async () => {
  const { world, node, client } = await twoWorkers(1);
  node.behaviour = () => new Promise(() => {});
  world.network.freezeOne(node.at);
  const call = await world.outcome(client, 'write', { timeout: 2_900 });
  assert.equal(call.error?.mayHaveExecuted, true);
  assert.ok((world.executions.get(call.id)?.length ?? 0) <= 1);
  await world.close();
  world.check();
});

test('a call that is only slow is not also sent to another worker of the only server: it shares the CPU', async () => {
  const { world, node, client } = await twoWorkers(1);
  node.behaviour = () => world.clock.sleep(1_500).then(() => undefined);
  for (let i = 0; i < 20; i++) {
    const call = await world.outcome(client, 'read', { timeout: 5_000 });
    assert.equal(call.error, undefined);
    assert.equal(world.executions.get(call.id)?.length, 1);
  }
  await world.close();
  world.check();
});
