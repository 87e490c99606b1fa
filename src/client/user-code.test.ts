/** What a caller hands in may run code of its own at any moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../test/support/world.ts';

test('an input that makes a call while it is written harms neither that call nor any other', async () => {
  const world = new World();
  await world.nodes('a');
  const client = await world.connected();
  let inner: Promise<unknown> | undefined;
  const before = client.read({ id: 'before' });
  const outer = client.read({
    toJSON() {
      inner = client.read({ id: 'inner' });
      return { id: 'outer' };
    },
  });
  const after = client.read({ id: 'after' });
  await world.clock.run(100);
  assert.deepEqual(await Promise.all([before, outer, inner, after]), [
    'read before',
    'read outer',
    'read inner',
    'read after',
  ]);
  assert.equal(client.nodes().nodes[0]!.weight, 1_024);
  await world.close();
});

test('an input that closes the client while it is written ends its call at once', async () => {
  const world = new World();
  await world.nodes('a');
  const client = await world.connected();
  const outer = client.read({
    toJSON() {
      void client.close(0);
      return { id: 'outer' };
    },
  });
  const failed = assert.rejects(outer, { code: 'UNAVAILABLE', mayHaveExecuted: false });
  await world.clock.run(100);
  await failed;
  await world.close();
});

test('a client that is closed ends the calls on servers that it has left, too', async () => {
  const world = new World();
  const [a] = await world.nodes('a', 'b');
  a!.behaviour = () => new Promise(() => {});
  const client = await world.connected({ retention: 100, hedging: false });
  const calls = Array.from({ length: 8 }, () => world.call(client, 'write', { timeout: 100_000 }));
  await world.clock.run(10);
  assert.ok(a!.executed.length > 0);
  a!.unlist();
  await world.clock.run(500);
  assert.equal(client.nodes().nodes.length, 1);
  const closed = client.close(100);
  await world.clock.run(200);
  await closed;
  for (const { over } of calls) assert.ok(over, 'a call is still waiting');
  await world.close();
});
