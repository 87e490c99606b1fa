import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { after, answers, type Behaviour, never, World } from '../../test/support/world.ts';
import type { Reply } from '../core/call.ts';
import { OutgoingCall } from '../core/call.ts';
import { method, service } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { type ClientOptions, connect } from './connect.ts';
import type { ClientEvents } from './events.ts';
import { fallBack, fallbackHeader } from './fallback.ts';

const throws: Behaviour = () => {
  throw new Error('boom');
};

async function degraded(behaviour: Behaviour, options: Parameters<World['connected']>[0]) {
  const world = new World();
  const node = await world.node('a');
  node.behaviour = behaviour;
  const client = await world.connected(options);
  const events: ClientEvents['fallback'][] = [];
  client.on('fallback', (event) => events.push(event));
  return { world, node, client, events };
}

test('a value stands in for the answer of a service that fails; the event says so', async () => {
  const { world, node, client, events } = await degraded(throws, { fallbacks: { write: 'stale' } });
  const call = await world.outcome(client, 'write');
  assert.equal(call.value, 'stale');
  assert.deepEqual(
    events.map(({ method, error }) => [method, error.label, error.attempts.length]),
    [['write', 'INTERNAL/UNHANDLED', 1]],
  );
  assert.equal((await world.outcome(client, 'read')).error?.reason, 'UNHANDLED', 'other methods have none');
  node.behaviour = answers;
  const well = await world.outcome(client, 'write');
  assert.equal(well.value, `write ${well.id}`);
  assert.equal(events.length, 1);
  await world.close();
});

test('a function makes it, from the input and the error, at once or later', async () => {
  for (const later of [false, true]) {
    const { world, client } = await degraded(throws, {
      fallbacks: {
        write: (input: unknown, error: RpcError) => {
          const made = [input, error.reason];
          return later ? Promise.resolve(made) : made;
        },
      },
    });
    const call = await world.outcome(client, 'write');
    assert.deepEqual(call.value, [{ id: call.id }, 'UNHANDLED']);
    await world.close();
  }
});

test('it stands in while the circuit is open, without a call', async () => {
  const { world, node, client, events } = await degraded(throws, { breaker: true, fallbacks: { write: null } });
  for (let i = 0; i < 5; i++) assert.equal((await world.outcome(client, 'write')).value, null);
  const ran = node.executed.length;
  const call = await world.outcome(client, 'write');
  assert.equal(call.value, null);
  assert.equal(call.error, undefined);
  assert.equal(node.executed.length, ran);
  assert.equal(events.at(-1)!.error.reason, 'CIRCUIT_OPEN');
  await world.close();
});

test('it stands in for silence, and where no server is to be had', async () => {
  const { world, node, client, events } = await degraded(never, { fallbacks: { write: 'stale' } });
  assert.equal((await world.outcome(client, 'write', { timeout: 50 })).value, 'stale');
  node.kill();
  await world.clock.run(50);
  assert.equal((await world.outcome(client, 'write', { timeout: 300 })).value, 'stale');
  assert.deepEqual(
    events.map(({ error }) => error.label),
    ['DEADLINE_EXCEEDED', 'UNAVAILABLE/NO_NODES'],
  );
  await world.close();
});

test('never for an answer that is an error of the caller, nor for one that gave up', async () => {
  for (const code of ['INVALID_ARGUMENT', 'NOT_FOUND', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED'] as const) {
    const refuses = () => {
      throw new RpcError(code, 'no');
    };
    const { world, client, events } = await degraded(refuses, { fallbacks: { write: 'stale' } });
    assert.equal((await world.outcome(client, 'write')).error?.code, code);
    assert.deepEqual(events, []);
    await world.close();
  }
  const { world, client, events } = await degraded(never, { fallbacks: { write: 'stale' } });
  const controller = new AbortController();
  const call = world.call(client, 'write', { signal: controller.signal });
  await world.clock.run(50);
  controller.abort(new RpcError('UNAVAILABLE', 'the gateway goes away'));
  await world.clock.run(50);
  assert.equal(call.error?.message, 'the gateway goes away');
  assert.deepEqual(events, []);
  await world.close();
});

test('retries come first: what another node answers needs no fallback', async () => {
  const world = new World();
  const [a, b] = await world.nodes('a', 'b');
  for (const node of [a!, b!]) node.behaviour = after(world.clock, 100);
  const client = await world.connected({ fallbacks: { read: 'stale' }, hedging: false });
  const calls = Array.from({ length: 10 }, () => world.call(client));
  await world.clock.run(50);
  a!.kill();
  await world.clock.run(500);
  for (const { value, id } of calls) assert.equal(value, `read ${id}`);
  await world.close();
  world.check();
});

test('what a fallback throws reaches the caller, with what it was to stand in for as the cause', async () => {
  const behaviour = () => never({ id: '' }, undefined as never);
  for (const later of [false, true]) {
    const fails = (thrown: () => unknown) => ({
      fallbacks: {
        write: (): unknown => {
          if (later) return Promise.reject(thrown());
          throw thrown();
        },
      },
    });
    const plain = await degraded(
      behaviour,
      fails(() => new TypeError('no cache')),
    );
    const first = await plain.world.outcome(plain.client, 'write', { timeout: 200 });
    assert.equal(first.error?.label, 'INTERNAL/FALLBACK_FAILED');
    assert.equal(first.error.message, 'the fallback of "write" failed: no cache');
    assert.match(first.error.stack!, /no cache\n.*fallback\.test\.ts/);
    assert.equal((first.error.cause as RpcError).code, 'DEADLINE_EXCEEDED');
    // How far the call itself got is still known.
    assert.deepEqual([first.error.mayHaveExecuted, first.error.stage, first.error.attempts.length], [true, 'sent', 1]);
    assert.deepEqual(plain.events, []);
    await plain.world.close();

    const coded = await degraded(
      behaviour,
      fails(() => new RpcError('NOT_FOUND', 'not cached', { reason: 'COLD' })),
    );
    const second = await coded.world.outcome(coded.client, 'write', { timeout: 200 });
    assert.deepEqual([second.error?.label, second.error?.message], ['NOT_FOUND/COLD', 'not cached']);
    assert.equal((second.error!.cause as RpcError).code, 'DEADLINE_EXCEEDED');
    assert.equal(second.error!.mayHaveExecuted, true);
    await coded.world.close();
  }
});

test('a fallback that throws the error it was given changes nothing of it', async () => {
  const rethrows = (_input: unknown, error: RpcError): never => {
    throw error;
  };
  const { world, client } = await degraded(throws, { fallbacks: { write: rethrows } });
  const { error } = await world.outcome(client, 'write');
  assert.equal(error?.label, 'INTERNAL/UNHANDLED');
  assert.equal(error?.cause, undefined);
  await world.close();
});

/** The layer alone, on a call that fails as the test says. */
function layer(fallback: unknown, timeout: number, fail: (call: OutgoingCall, clock: VirtualClock) => Promise<Reply>) {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const handler = fallBack({ clock, wheel, fallbacks: { m: fallback }, onFallback() {} })((call) =>
    fail(call as OutgoingCall, clock),
  );
  const call = new OutgoingCall({ service: 's', method: 'm', input: 1, since: 0, deadline: timeout, repeatable: true });
  const end: { reply?: Reply; error?: RpcError; at?: number } = {};
  (handler(call) as Promise<Reply>).then(
    (reply) => Object.assign(end, { reply, at: clock.now() }),
    (error) => Object.assign(end, { error, at: clock.now() }),
  );
  return { clock, call, end };
}

const attempts = [{ node: 'a', outcome: 'UNAVAILABLE', duration: 1 }];
const failsAtOnce = () => Promise.reject(new RpcError('UNAVAILABLE', 'away', { stage: 'refused', attempts }));

test('the reply says what it stands in for', async () => {
  const { clock, end } = layer('stale', 1_000, failsAtOnce);
  await clock.run(0);
  assert.equal(end.reply?.output, 'stale');
  assert.equal(end.reply.metadata?.[fallbackHeader], 'UNAVAILABLE');
  assert.equal(end.reply.attempts, 1);
  assert.equal(end.reply.node, undefined);
});

test('a fallback has what is left of the time, and a second at least', async () => {
  const silent = () => new Promise(() => {});
  for (const [timeout, ms] of [
    [5_000, 5_000],
    [200, 1_000],
  ] as const) {
    const { clock, end } = layer(silent, timeout, failsAtOnce);
    await clock.run(ms - 10);
    assert.equal(end.at, undefined);
    await clock.run(20);
    assert.equal(end.error?.message, 'the fallback of "m" failed: it did not end in time');
    assert.equal((end.error.cause as RpcError).message, 'away');
    await clock.run(20);
    assert.equal(clock.pending, 0);
  }
});

test('a call that used up its time has a second for its fallback', async () => {
  const { clock, end } = layer(
    () => clock.sleep(900).then(() => 'late'),
    200,
    (call, clock) =>
      clock.sleep(200).then(() => {
        const error = new RpcError('DEADLINE_EXCEEDED', 'over', { stage: 'sent' });
        call.cancel(error);
        throw error;
      }),
  );
  await clock.run(1_200);
  assert.equal(end.reply?.output, 'late');
  assert.equal(end.at, 1_100);
});

test('who gives up while the fallback is at work does not wait for it', async () => {
  const { clock, call, end } = layer(() => clock.sleep(900), 5_000, failsAtOnce);
  await clock.run(100);
  call.cancel(new RpcError('CANCELLED', 'enough', { stage: 'sent' }));
  await clock.run(0);
  assert.deepEqual([end.error?.code, end.error?.message, end.at], ['CANCELLED', 'enough', 100]);
  await clock.run(1_000);
  assert.equal(clock.pending, 0);
});

test('a fallback for what is no method is refused', async () => {
  const world = new World();
  const options = { fallbacks: { raed: 1 } } as unknown as Partial<ClientOptions<never>>;
  const message = 'option "fallbacks" names "raed", which is no method of "test": expected read, write';
  assert.throws(() => world.client(options as never), { name: 'TypeError', message });
  for (const name of ['toString', 'health']) {
    assert.throws(() => world.client({ fallbacks: { [name]: 1 } as never }), new RegExp(`names "${name}"`));
  }
});

test('fallbacks have the types of the contract', async () => {
  const priced = service('priced', {
    price: method({ input: z.string(), output: z.number(), idempotent: true }),
    raw: method(),
  });
  const options = (fallbacks: NonNullable<ClientOptions<typeof priced.methods>['fallbacks']>) => fallbacks;
  options({ price: 1 });
  options({ price: (sku, error) => sku.length + error.attempts.length });
  options({ price: async (sku) => sku.length });
  options({ raw: { any: 'thing' } });
  options({ raw: (_input, error) => error.code });
  // @ts-expect-error the output is a number
  options({ price: 'cheap' });
  // @ts-expect-error the function's too
  options({ price: () => 'cheap' });
  // @ts-expect-error there is no such method
  options({ prize: 1 });
  const world = new World();
  const { clock, network, random, registryUrl: registry } = world;
  const fallbacks = options({ price: (sku) => sku.length });
  const client = world.closing(connect(priced, { registry, clock, network, random, fallbacks, connectTimeout: 100 }));
  const price = client.price('abc');
  await clock.run(200);
  assert.equal(await price, 3);
  await world.close();
});
