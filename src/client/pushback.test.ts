import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../test/support/world.ts';
import { RpcError } from '../core/error.ts';

test('a server that is full says when to come back', async () => {
  const world = new World();
  const a = await world.node('a', { serve: { maxConcurrent: 1, maxQueueTime: 0 } });
  a.behaviour = () => world.clock.sleep(400);
  const client = await world.connected({ hedging: false });
  world.call(client, 'write');
  await world.clock.run(10);
  const { error } = await world.outcome(client, 'write', { attempts: 1 });
  assert.equal(error?.label, 'RESOURCE_EXHAUSTED/OVERLOADED');
  assert.ok(error.retryAfter! >= 10 && error.retryAfter! <= 30, String(error.retryAfter));
  await world.close();
});

test('a node that said so gets no calls until then while others are left', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  const client = await world.connected({ hedging: false });
  a!.behaviour = () => {
    throw new RpcError('RESOURCE_EXHAUSTED', 'enough', { reason: 'OVERLOADED', retryAfter: 1_000 });
  };
  const untilAsked = async (): Promise<number> => {
    const before = a!.executed.length;
    const since = world.clock.now();
    for (let i = 0; i < 1_000 && a!.executed.length === before; i++) {
      world.call(client, 'write');
      await world.clock.run(5);
    }
    return world.clock.now() - since;
  };
  assert.ok((await untilAsked()) < 100);
  for (let i = 0; i < 3; i++) {
    const ms = await untilAsked();
    assert.ok(ms >= 1_000 && ms < 1_500, String(ms));
  }
  await world.close();
});

test('where there is only the one that is full, the call comes back when it said, if its time allows', async () => {
  for (const timeout of [5_000, 60]) {
    const world = new World();
    // Ten may be at work and ten wait for a second: who finds it full comes back in half a second to one and a half.
    const a = await world.node('a', { serve: { maxConcurrent: 10, maxQueueTime: 1_000 } });
    a.behaviour = () => world.clock.sleep(100);
    const client = await world.connected({ hedging: false });
    for (let i = 0; i < 20; i++) world.call(client, 'write');
    await world.clock.run(10);
    const call = await world.outcome(client, 'write', { timeout });
    if (timeout === 60) {
      assert.equal(call.error?.reason, 'OVERLOADED');
      assert.ok(call.took < 20, 'it fails now, and does not wait for what cannot come in time');
    } else {
      assert.equal(call.error, undefined);
      assert.ok(call.took > 500 + 100, String(call.took));
    }
    await world.close();
    world.check();
  }
});
