import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../test/support/world.ts';

test('calls of one key go to one node, of many keys to all; a key moves when its node is gone', async () => {
  const world = new World();
  const nodes = new Map((await world.nodes('a', 'b', 'c')).map((node) => [node.id, node]));
  const client = await world.connected({ balancer: 'hash' });
  const nodeOf = async (hashKey: string) => {
    const call = await world.outcome(client, 'read', { hashKey });
    return world.executions.get(call.id)!.at(-1)!;
  };
  const keys = Array.from({ length: 30 }, (_, i) => `user-${i}`);
  const homes = new Map<string, string>();
  for (const key of keys) homes.set(key, await nodeOf(key));
  for (const key of keys) assert.equal(await nodeOf(key), homes.get(key), key);
  assert.equal(new Set(homes.values()).size, 3);
  nodes.get('b')!.kill();
  for (const key of keys) {
    const home = await nodeOf(key);
    if (homes.get(key) === 'b') assert.notEqual(home, 'b');
    else assert.equal(home, homes.get(key), 'the others stay');
  }
  await world.close();
  world.check();
});

test('a key that is no text is refused by name', async () => {
  const world = new World();
  await world.nodes('a');
  const client = await world.connected({ balancer: 'hash' });
  const { error } = await world.outcome(client, 'read', { hashKey: 7 as unknown as string });
  assert.equal(error?.code, 'INVALID_ARGUMENT');
  assert.match(error!.message, /hashKey is a number: expected a text/);
  await world.close();
});
