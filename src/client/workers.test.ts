/** A server of several worker processes, of which one is not well. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../test/support/world.ts';

/** The only server, with two workers; whichever gets a call first stops answering it. */
async function firstWorkerSilent(seed: number) {
  const world = new World(seed);
  const node = await world.node('a', { workers: 2 });
  const client = await world.connected();
  await world.clock.run(1_000);
  node.behaviour = ({ id }) => (world.executions.get(id)!.length === 1 ? new Promise(() => {}) : undefined);
  return { world, client };
}

test('a call that may be repeated is also sent to another worker of the only server', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { world, client } = await firstWorkerSilent(seed);
    for (let i = 0; i < 20; i++) {
      const call = await world.outcome(client, 'read', { timeout: 1_000 });
      assert.equal(call.error, undefined, `seed ${seed}, call ${i}: ${call.error?.label}`);
    }
    await world.close();
    world.check();
  }
});

test('one that may not is not', async () => {
  const { world, client } = await firstWorkerSilent(1);
  const call = await world.outcome(client, 'write', { timeout: 1_000 });
  assert.equal(call.error?.code, 'DEADLINE_EXCEEDED');
  assert.equal(world.executions.get(call.id)?.length, 1);
  await world.close();
  world.check();
});
