import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, answers, never, World } from '../../test/support/world.ts';
import { OutgoingCall } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import { runFor } from '../core/inherit.ts';
import { connectRaw } from './connect-raw.ts';

const cancelled = (error: RpcError | undefined) => [error?.label, error?.stage, error?.mayHaveExecuted];

test('calls are answered, by all nodes, and the answer says by which and how often it was sent', async () => {
  const world = new World();
  await world.nodes('a', 'b', 'c');
  const client = await world.connected();
  for (let i = 0; i < 60; i++) await world.outcome(client, i % 2 === 0 ? 'read' : 'write');
  const ran = new Set([...world.executions.values()].flat());
  assert.deepEqual([...ran].sort(), ['a', 'b', 'c']);
  await world.close();
  world.check();
  assert.equal(world.clock.pending, 0);
});

test('cancelling reaches the handler; the error says that it may have run', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = never;
  const client = await world.connected();
  const controller = new AbortController();
  const call = world.call(client, 'write', { signal: controller.signal });
  await world.clock.run(10);
  const { signal } = node.contexts[0]!;
  assert.equal(signal.aborted, false);
  controller.abort();
  await world.clock.run(0);
  assert.deepEqual(cancelled(call.error), ['CANCELLED', 'sent', true]);
  assert.equal(signal.aborted, true);
  // Nobody's fault.
  assert.equal(client.nodes().nodes[0]!.weight, 1_024);
  await world.close();
});

test('attempts of a call: 1 is failfast, what is none is refused before anything is sent', async () => {
  const world = new World();
  const nodes = await world.nodes('a', 'b');
  for (const node of nodes) node.behaviour = never;
  const client = await world.connected();
  const call = world.call(client, 'read', { attempts: 1 });
  await world.clock.run(1_000);
  world.network.reset(`${world.executions.get(call.id)![0]}:1`);
  await world.clock.run(50);
  assert.deepEqual(cancelled(call.error), ['UNAVAILABLE/CONNECTION_LOST', 'sent', true]);
  assert.equal(world.executions.get(call.id)!.length, 1);
  for (const attempts of [0, -1, 1.5, Number.NaN, 1_001, '2' as unknown as number]) {
    const { error, id } = await world.outcome(client, 'read', { attempts });
    assert.deepEqual(cancelled(error), ['INVALID_ARGUMENT', 'unsent', false]);
    assert.equal(error!.message, `attempts is ${attempts}: expected a whole number from 1 to 1000, or Infinity`);
    assert.equal(world.executions.has(id), false);
  }
  for (const node of nodes) node.behaviour = answers;
  for (const attempts of [1, 1_000, Number.POSITIVE_INFINITY]) {
    assert.equal((await world.outcome(client, 'read', { attempts })).error, undefined);
  }
  await world.close();
  world.check();
});

test('a signal that is aborted before: nothing is sent', async () => {
  const world = new World();
  const node = await world.node('a');
  const client = await world.connected();
  const call = await world.outcome(client, 'write', { signal: AbortSignal.abort(new Error('no')) });
  assert.deepEqual(cancelled(call.error), ['CANCELLED', 'unsent', false]);
  assert.equal((call.error!.cause as Error).message, 'no');
  assert.equal(node.executed.length, 0);
  await world.close();
  world.check();
});

test('a signal is let go of when its call is over', async () => {
  const world = new World();
  await world.node('a');
  const client = await world.connected();
  let listeners = 0;
  const { signal } = new AbortController();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  for (let i = 0; i < 5; i++) await world.outcome(client, 'read', { signal });
  assert.equal(listeners, 0);
  await world.close();
});

test('an RpcError as the reason of a signal keeps its code, but not how far its own call got', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = never;
  const client = await world.connected();
  const controller = new AbortController();
  const call = world.call(client, 'write', { signal: controller.signal });
  await world.clock.run(10);
  controller.abort(new RpcError('DEADLINE_EXCEEDED', 'the page was left', { stage: 'answered' }));
  await world.clock.run(0);
  assert.deepEqual(cancelled(call.error), ['DEADLINE_EXCEEDED', 'sent', true]);
  await world.close();
});

test('the deadline: when it has passed the caller hears, the handler is told, and it may have run', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = never;
  const client = await world.connected();
  const call = world.call(client, 'write', { timeout: 1_000 });
  await world.clock.run(10);
  const { signal } = node.contexts[0]!;
  await world.clock.run(980);
  assert.equal(call.over, false);
  await world.clock.run(30);
  assert.deepEqual(cancelled(call.error), ['DEADLINE_EXCEEDED', 'sent', true]);
  assert.equal(signal.aborted, true);
  // Its whole time was gone in silence.
  const [row] = client.nodes().nodes;
  assert.equal(row!.lastCause, 'timeout');
  await world.close();
});

test("a caller's tiny deadline is no fault of the node", async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = after(world.clock, 300);
  const client = await world.connected();
  for (let i = 0; i < 10; i++) await world.outcome(client, 'write', { timeout: 50 });
  assert.equal(client.nodes().nodes[0]!.weight, 1_024);
  await world.close();
});

test('the handler learns how much time is left, less what the way and the queue took', async () => {
  const world = new World();
  const node = await world.node('a');
  world.network.set('a:1', { latency: 30 });
  const client = await world.connected();
  await world.clock.run(100);
  await world.outcome(client, 'read', { timeout: 2_000 });
  const left = node.contexts[0]!.deadline - world.clock.now();
  assert.ok(left > 1_850 && left <= 2_000, `${left}`);
  await world.close();
});

test('metadata and the idempotency key arrive; what is wrong with them is named, and nothing is sent', async () => {
  const world = new World();
  const node = await world.node('a');
  const client = await world.connected();
  await world.outcome(client, 'write', { metadata: { 'x-user': 'ä' }, idempotencyKey: 'k1' });
  assert.deepEqual({ ...node.contexts[0]!.metadata }, { 'x-user': 'ä', 'idempotency-key': 'k1' });
  for (const metadata of [{ 'X-User': 'a' }, { a: 'b\r\nc' }, { a: 1 }, []] as unknown as Record<string, string>[]) {
    const { error } = await world.outcome(client, 'write', { metadata });
    assert.equal(error?.code, 'INVALID_ARGUMENT', JSON.stringify(metadata));
    assert.equal(error?.mayHaveExecuted, false);
  }
  assert.equal(node.executed.length, 1);
  await world.close();
});

test('a call with a key may be made again like an idempotent one', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  for (const node of [a!, b!]) node.behaviour = after(world.clock, 50);
  const client = await world.connected({ hedging: false });
  const call = world.call(client, 'write', { idempotencyKey: 'k1' });
  await world.clock.run(20);
  world.network.reset(world.executions.get(call.id)![0] === 'a' ? 'a:1' : 'b:1');
  await world.clock.run(200);
  assert.equal(call.error, undefined);
  assert.equal(world.executions.get(call.id)!.length, 2);
  await world.close();
});

test('a timeout that cannot be is named', async () => {
  const world = new World();
  await world.node('a');
  const client = await world.connected();
  for (const timeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5' as unknown as number]) {
    const { error } = await world.outcome(client, 'write', { timeout });
    assert.equal(error?.code, 'INVALID_ARGUMENT');
    assert.equal(error?.message, `timeout is ${timeout}: expected 1 to 2147483647 ms`);
  }
  for (const timeout of [1, 2 ** 31 - 1])
    assert.equal((await world.outcome(client, 'write', { timeout })).error, undefined);
  await world.close();
});

test('what cannot be said is the caller to blame: no node is tried, none is at fault', async () => {
  const world = new World();
  const node = await world.node('a');
  const client = await world.connected();
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const failed = client.read(circle as unknown as { id: string }).catch((error) => error);
  await world.clock.run(0);
  const error = (await failed) as RpcError;
  assert.equal(error.code, 'INVALID_ARGUMENT');
  assert.equal(error.mayHaveExecuted, false);
  assert.equal(node.executed.length, 0);
  assert.equal(client.nodes().nodes[0]!.weight, 1_024);
  await world.close();
});

test('options of a call cannot turn it into another one', async () => {
  const world = new World();
  const node = await world.node('a');
  const client = await world.connected();
  const options = { method: 'write', service: 'other', input: { id: 'x' }, repeatable: true } as object;
  const { error } = await world.outcome(client, 'read', options);
  assert.equal(error, undefined);
  assert.deepEqual(node.executed, ['read 1']);
  await world.close();
});

test('a call made for another inherits its deadline, its cancel and its attempt', async () => {
  const world = new World();
  const [inner, outer] = [await world.node('inner', { listed: false }), await world.node('outer', { listed: false })];
  const toInner = world.client({ registry: 'static:inner:1' });
  const toOuter = world.client({ registry: 'static:outer:1' });
  await world.clock.run(50);
  inner.behaviour = never;
  let innerError: RpcError | undefined;
  outer.behaviour = async ({ id }) => {
    await toInner.write({ id: `${id} inner` }, { timeout: 60_000 }).catch((error) => {
      innerError = error;
      throw error;
    });
  };
  const { clock } = world;
  const controller = new AbortController();
  const call = world.call(toOuter, 'write', { timeout: 3_000, signal: controller.signal });
  await clock.run(10);
  const context = inner.contexts[0]!;
  assert.ok(context.deadline <= 3_060, `${context.deadline}`);
  controller.abort();
  await clock.run(10);
  assert.equal(call.error?.code, 'CANCELLED');
  assert.equal(context.signal.aborted, true);
  assert.deepEqual(cancelled(innerError), ['CANCELLED', 'sent', true]);
  await world.close();
});

test('a call made for one that is cancelled already is not sent', async () => {
  const world = new World();
  const node = await world.node('a');
  const client = await world.connected();
  const parent = new OutgoingCall({
    service: 's',
    method: 'm',
    input: 1,
    since: 0,
    deadline: 60_000,
    repeatable: false,
  });
  parent.cancel(new RpcError('CANCELLED', 'enough'));
  const failed = runFor(parent, () => client.write({ id: '1' })).catch((error) => error);
  assert.deepEqual(cancelled((await failed) as RpcError), ['CANCELLED', 'unsent', false]);
  assert.equal(node.executed.length, 0);
  await world.close();
});

test('only one link of a chain repeats: the attempt of the caller above is told on', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  for (const node of [a!, b!]) node.behaviour = after(world.clock, 50);
  const client = await world.connected();
  const parent = new OutgoingCall({
    service: 's',
    method: 'm',
    input: 1,
    since: 0,
    deadline: 60_000,
    repeatable: true,
    attempt: 2,
  });
  const call = runFor(parent, () => world.call(client, 'read'));
  await world.clock.run(20);
  world.network.reset(`${world.executions.get(call.id)![0]}:1`);
  await world.clock.run(500);
  assert.equal(call.error?.label, 'UNAVAILABLE/CONNECTION_LOST');
  assert.equal(world.executions.get(call.id)!.length, 1);
  await world.close();
});

test('a call that makes many others holds on to none that is over', async () => {
  const world = new World();
  await world.node('a');
  const client = await world.connected();
  const parent = new OutgoingCall({
    service: 's',
    method: 'm',
    input: 1,
    since: 0,
    deadline: 60_000,
    repeatable: false,
  });
  let listeners = 0;
  const { onCancel, offCancel } = parent;
  parent.onCancel = (listener) => {
    listeners++;
    onCancel.call(parent, listener);
  };
  parent.offCancel = (listener) => {
    listeners--;
    offCancel.call(parent, listener);
  };
  for (let i = 0; i < 10; i++) await runFor(parent, () => world.outcome(client));
  assert.equal(listeners, 0);
  await world.close();
});

test('close() lets the calls at work finish, takes no new ones, and may be called twice', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = after(world.clock, 1_000);
  const client = await world.connected();
  const call = world.call(client, 'write');
  await world.clock.run(10);
  const closed = client.close(5_000);
  assert.equal(client.close(), closed);
  const late = await world.outcome(client, 'write');
  assert.deepEqual(cancelled(late.error), ['UNAVAILABLE/NO_NODES', 'unsent', false]);
  await world.clock.run(1_100);
  await closed;
  assert.equal(call.error, undefined);
  assert.equal(call.over, true);
  for (const host of node.hosts) host!.destroy();
  await world.clock.run(10);
  assert.equal(world.clock.pending, 0);
  await world.close();
  world.check();
  assert.equal(world.clock.pending, 0);
});

test('close() cuts off what is not done after its grace', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = never;
  const client = await world.connected();
  const call = world.call(client, 'write');
  await world.clock.run(10);
  const closed = client.close(500);
  await world.clock.run(490);
  assert.equal(call.over, false);
  await world.clock.run(1_200);
  await closed;
  assert.equal(call.error!.mayHaveExecuted, true);
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test('close() ends what waits for a node, and the dial under way', async () => {
  const world = new World();
  const node = await world.node('a');
  node.freeze();
  const client = world.client({ helloTimeout: 30_000 });
  const call = world.call(client, 'write');
  await world.clock.run(100);
  const closed = client.close();
  await world.clock.run(0);
  await closed;
  assert.deepEqual(cancelled(call.error), ['UNAVAILABLE/NO_NODES', 'unsent', false]);
  assert.equal(world.network.connections('a:1'), 0);
  await world.close();
  assert.equal(world.clock.pending, 0);
});

test('a call that fails while the client closes is not sent again, and says why it failed', async () => {
  const world = new World();
  const nodes = await world.nodes('a', 'b');
  for (const node of nodes) node.behaviour = never;
  const client = await world.connected();
  const call = world.call(client, 'read');
  await world.clock.run(10);
  const closed = client.close(5_000);
  world.network.reset('a:1');
  world.network.reset('b:1');
  await world.clock.run(100);
  await closed;
  assert.deepEqual(cancelled(call.error), ['UNAVAILABLE/NO_NODES', 'sent', true]);
  assert.deepEqual(
    call.error!.attempts.map(({ outcome }) => outcome),
    ['UNAVAILABLE/CONNECTION_LOST'],
  );
  await world.close();
});

test('one who listens and fails hurts no call', async () => {
  const original = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const uncaught: unknown[] = [];
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    const world = new World();
    const [a] = await world.nodes('a', 'b');
    a!.behaviour = () => {
      throw new Error('unhandled');
    };
    const client = await world.connected();
    client.on('weight', () => {
      throw new Error('broken listener');
    });
    for (let i = 0; i < 20; i++) {
      const { error } = await world.outcome(client, 'write');
      if (error !== undefined) assert.equal(error.label, 'INTERNAL/UNHANDLED');
    }
    assert.ok(uncaught.length > 0);
    await world.close();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of original) process.on('uncaughtException', listener);
  }
});

test('an error names what was called, and who called it', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = () => {
    throw new RpcError('NOT_FOUND', 'no such thing');
  };
  const client = world.client();
  const raw = world.closing(
    connectRaw(undefined, { registry: world.registryUrl, clock: world.clock, network: world.network }),
  );
  async function someUser() {
    await client.write({ id: '1' });
  }
  async function someTool() {
    await raw.call({ method: 'write', input: { id: '2' } });
  }
  for (const user of [someUser, someTool]) {
    const failed = user().then(
      () => assert.fail(),
      (error: RpcError) => error,
    );
    await world.clock.run(50);
    const error = await failed;
    assert.deepEqual([error.message, error.service, error.method], ['no such thing', 'test', 'write']);
    assert.match(error.stack!, /^RpcError: test\.write: NOT_FOUND: no such thing\n/);
    assert.match(error.stack!, new RegExp(`\\n +at async ${user.name} .*calls\\.test\\.ts`));
  }
  // Also where it fails before it is made.
  const error = await client.write({ id: '3' }, { timeout: -1 }).catch((error) => error);
  assert.match(String(error), /^RpcError: test\.write: INVALID_ARGUMENT: timeout is -1/);
  await world.close();
});

test('an idempotency key that is no text, or an empty one, is refused: it would promise nothing', async () => {
  const world = new World();
  await world.node('a');
  const client = world.client();
  for (const key of ['', 7, null]) {
    const call = client.write({ id: '1' }, { idempotencyKey: key as string });
    await assert.rejects(call, { code: 'INVALID_ARGUMENT', stage: 'unsent', message: /^idempotencyKey is no text/ });
  }
  await world.close();
  assert.equal(world.executions.size, 0);
});

test('how long an attempt took is said in tenths of a millisecond', async () => {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = never;
  const client = await world.connected();
  const controller = new AbortController();
  const call = world.call(client, 'write', { signal: controller.signal });
  await world.clock.run(33.3333);
  controller.abort();
  await world.clock.run(0);
  assert.deepEqual(
    call.error?.attempts.map(({ duration }) => duration),
    [33.3],
  );
  await world.close();
});
