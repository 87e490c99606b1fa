import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, answers, contract, never, World } from '../../test/support/world.ts';
import { Encoded } from '../core/call.ts';
import { method, service } from '../core/contract.ts';
import type { RpcError } from '../core/error.ts';
import { serve } from '../server/serve.ts';
import { connectRaw, type RawClient } from './connect-raw.ts';
import type { ConnectOptions } from './options.ts';

function raw(world: World, options: Partial<ConnectOptions> = {}, name?: string): RawClient {
  const { clock, network, random, registryUrl: registry } = world;
  return world.closing(connectRaw(name, { registry, clock, network, random, ...options }));
}

test('without a contract it learns from HELLO what there is, and what may be repeated', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  const client = raw(world);
  assert.equal(client.ready, false);
  assert.deepEqual(client.methods(), {});
  assert.equal(client.service, undefined);
  await world.clock.run(50);
  assert.equal(client.ready, true);
  assert.equal(client.service, 'test');
  assert.deepEqual(
    Object.entries(client.methods()).map(([name, { idempotent }]) => [name, idempotent]),
    [
      ['read', true],
      ['write', false],
      ['health', true],
    ],
  );
  for (const node of [a!, b!]) node.behaviour = after(world.clock, 50);
  for (const [name, lost] of [
    ['read', false],
    ['write', true],
  ] as const) {
    const id = `${name}-1`;
    const done = client.call({ method: name, input: { id } }).then(
      ({ output, attempts }) => [output, attempts],
      (error: RpcError) => [error.label, error.mayHaveExecuted],
    );
    await world.clock.run(20);
    world.network.reset(`${world.executions.get(id)![0]}:1`);
    await world.clock.run(500);
    assert.deepEqual(await done, lost ? ['UNAVAILABLE/CONNECTION_LOST', true] : [`read ${id}`, 2]);
  }
  await world.close();
});

test('a call that comes before the first server waits for it, and then is what the server says', async () => {
  const world = new World();
  const client = raw(world);
  const done = client.call({ method: 'read', input: { id: '1' }, timeout: 3_000 });
  await world.clock.run(1_000);
  const a = await world.node('a');
  a.behaviour = never;
  const b = await world.node('b');
  b.behaviour = never;
  await world.clock.run(50);
  const [first] = world.executions.get('1')!;
  // It is known to be idempotent by now: it is hedged.
  (first === 'a' ? b : a).behaviour = answers;
  await world.clock.run(500);
  assert.equal((await done).output, 'read 1');
  // What is left of its own time is what it has.
  const deadline = (first === 'a' ? a : b).contexts[0]!.deadline;
  assert.ok(deadline <= 3_060, `${deadline}`);
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test('a call that only an idempotent method may get is not made of any other', async () => {
  const world = new World();
  const client = raw(world);
  const refused = (method: string) =>
    client.call({ method, input: { id: method }, onlyIdempotent: true, timeout: 3_000 }).catch((error) => error);
  // Even before the first server has said what is idempotent.
  const early = refused('write');
  await world.clock.run(100);
  await world.nodes('a');
  await world.clock.run(50);
  for (const [method, done] of [
    ['write', early],
    ['write', refused('write')],
    ['none', refused('none')],
  ] as const) {
    const error: RpcError = await done;
    assert.deepEqual([error.label, error.stage], ['FAILED_PRECONDITION/NOT_IDEMPOTENT', 'unsent']);
    assert.equal(error.message, `"${method}" is not known to be idempotent: read, health are`);
  }
  assert.equal(world.executions.size, 0);
  const read = client.call({ method: 'read', input: { id: '1' }, onlyIdempotent: true });
  await world.clock.run(50);
  assert.equal((await read).output, 'read 1');
  await world.close();
});

test('a first call that finds no server fails like any other, and is cancelled like any other', async () => {
  const world = new World();
  const client = raw(world);
  const failed = client.call({ method: 'read', input: 1, timeout: 500 }).catch((error) => error);
  const controller = new AbortController();
  const cancelled = client.call({ method: 'read', input: 1, signal: controller.signal }).catch((error) => error);
  await world.clock.run(100);
  controller.abort();
  await world.clock.run(500);
  assert.equal(((await failed) as RpcError).label, 'UNAVAILABLE/NO_NODES');
  assert.equal(((await cancelled) as RpcError).code, 'CANCELLED');
  assert.equal(((await cancelled) as RpcError).mayHaveExecuted, false);
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test('messages may pass as bytes, in and out', async () => {
  const world = new World();
  await world.node('a');
  const client = raw(world);
  await world.clock.run(50);
  const input = new Encoded('json', Buffer.from('{"id":"7"}'));
  const done = client.call({ method: 'read', input, wantsEncoded: true });
  await world.clock.run(10);
  const { output, node, attempts } = await done;
  assert.ok(output instanceof Encoded);
  assert.equal(Buffer.from(output.bytes).toString(), '"read 7"');
  assert.equal(node, 'a');
  assert.equal(attempts, 1);
  await world.close();
});

test('a classic server does not say what is idempotent: nothing is repeated', async () => {
  const world = new World();
  const node = await world.node('a', { endpoint: { protocol: 'classic' } });
  await world.node('b', { endpoint: { protocol: 'classic' } });
  const client = raw(world);
  await world.clock.run(50);
  assert.deepEqual(client.methods(), {});
  node.behaviour = never;
  const done = client.call({ method: 'read', input: { id: '1' } }).catch((error) => error);
  await world.clock.run(10);
  world.network.reset('a:1');
  world.network.reset('b:1');
  await world.clock.run(500);
  const outcome = await done;
  if (world.executions.get('1')![0] === 'a') assert.equal(outcome.mayHaveExecuted, true);
  else assert.equal(outcome.output, 'read 1');
  await world.close();
});

test('while the servers are of two versions, a method may be repeated only if both say so; new ones are learnt', async () => {
  const world = new World();
  const old = await world.node('old');
  const client = raw(world);
  await world.clock.run(50);
  assert.equal(client.methods().read?.idempotent, true);
  const changed = service('test', { read: method(), write: method({ idempotent: true }), added: method() });
  const { clock, network, random, registryUrl: registry } = world;
  const handlers = { read: () => 1, write: () => 1, added: () => 1 };
  const newer = await serve(changed, handlers, { clock, network, random, registry, listen: 'new:1' });
  // A newcomer is dialled within 200 ms.
  await clock.run(250);
  const facts = () => Object.fromEntries(Object.entries(client.methods()).map(([name, m]) => [name, m.idempotent]));
  assert.deepEqual(facts(), { read: false, write: false, added: false, health: true });
  old.kill();
  old.unlist();
  await clock.run(50);
  assert.deepEqual(facts(), { read: false, write: true, added: false, health: true });
  const closed = newer.close();
  await clock.run(10_000);
  await closed;
  await world.close();
});

test('a service that is asked for must be there', async () => {
  const world = new World();
  await world.node('a');
  const client = raw(world, {}, 'other');
  await world.clock.run(50);
  assert.equal(client.nodes().nodes[0]!.state, 'stale');
  assert.equal(client.ready, false);
  await world.close();
  assert.equal(contract.name, 'test');
});
