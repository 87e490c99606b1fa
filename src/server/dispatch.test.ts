import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import { ending, FakeIncoming } from '../../test/support/incoming.ts';
import { Encoded } from '../core/call.ts';
import { type HandlerContext, method, type ServiceModule, service } from '../core/contract.ts';
import { RpcError } from '../core/error.ts';
import { currentCall, enableInheritance } from '../core/inherit.ts';
import { type Log, silentLog } from '../core/log.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { dispatch } from './dispatch.ts';
import { healthCheck } from './health.ts';

/** A schema that takes its time. */
const slowly = <S extends StandardSchemaV1>(schema: S): StandardSchemaV1 => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async (value) => {
      await Promise.resolve();
      return schema['~standard'].validate(value);
    },
  },
});

const sum = z.object({ a: z.number(), b: z.number().default(1) });
const contract = service('test', {
  read: method({ idempotent: true }),
  sum: method({ input: sum, output: z.number(), positional: ['a', 'b'] }),
  slowSum: method({ input: slowly(sum), output: slowly(z.number()) }),
});

type Work = (input: unknown, context: HandlerContext) => unknown;

function served(work: Work, module: Partial<ServiceModule> = {}, log: Log = silentLog) {
  const add: Work = (input) => (input as { a: number }).a + (input as { b: number }).b;
  const handlers = { read: work, sum: add, slowSum: add };
  const handle = dispatch(
    { service: contract, ...module },
    (name, input, context) => handlers[name as keyof typeof handlers](input, context),
    healthCheck(module.health, new VirtualClock(), log),
    log,
  );
  return async (facts: ConstructorParameters<typeof FakeIncoming>[0] = {}, call = new FakeIncoming(facts)) => {
    const end = ending(() => handle(call));
    for (let i = 0; i < 50 && end.now === undefined; i++) await Promise.resolve();
    assert.ok(end.now !== undefined, 'no answer');
    return end.now;
  };
}

test('what is not served is UNIMPLEMENTED, and the error says what is', async () => {
  const call = served(() => 1);
  const service = await call({ service: 'other' });
  assert.equal(service.error?.label, 'UNIMPLEMENTED');
  assert.equal(service.error?.message, 'service "other" is not served here: this is "test"');
  for (const method of ['missing', 'constructor', '__proto__', 'toString']) {
    const { error } = await call({ method });
    assert.equal(error?.code, 'UNIMPLEMENTED');
    assert.equal(error?.message, `"test" has no method "${method}": expected read, sum, slowSum, health`);
  }
});

test('a handler gets the input as its schema made it, and its output is checked; synchronously as well as not', async () => {
  for (const method of ['sum', 'slowSum']) {
    const call = served(() => 1);
    assert.equal((await call({ method, input: { a: 2, b: 3 } })).reply?.output, 5);
    assert.equal((await call({ method, input: { a: 2 } })).reply?.output, 3);
    const wrong = await call({ method, input: { a: 'x' } });
    assert.equal(wrong.error?.label, 'INVALID_ARGUMENT');
    assert.match(wrong.error!.message, /^input\.a: /);
    assert.equal(wrong.error?.mayHaveExecuted, false);
  }
});

test('a handler that breaks its own contract is INTERNAL, not the caller to blame', async () => {
  for (const output of [z.number(), slowly(z.number())]) {
    const broken = service('test', { read: method({ input: z.unknown(), output: output as z.ZodNumber }) });
    const logged: unknown[] = [];
    const log = { ...silentLog, error: (...line: unknown[]) => void logged.push(line) };
    const { error } = await served(() => 'text', { service: broken }, log)();
    assert.deepEqual(logged, [
      [{ method: 'read', peer: 'peer:1', why: error?.message }, 'a handler broke its contract'],
    ]);
    assert.equal(error?.label, 'INTERNAL');
    assert.match(error!.message, /^the handler broke its contract: output: /);
    assert.equal(error?.mayHaveExecuted, true);
  }
});

test('an array is spread over the positional fields; too many are an error; other methods get it as it is', async () => {
  const call = served((input) => input);
  assert.equal((await call({ method: 'sum', input: [2, 3] })).reply?.output, 5);
  assert.equal((await call({ method: 'sum', input: [2] })).reply?.output, 3);
  const { error } = await call({ method: 'sum', input: [1, 2, 3] });
  assert.equal(error?.code, 'INVALID_ARGUMENT');
  assert.match(error!.message, /3 values, expected at most 2: a, b/);
  assert.deepEqual((await call({ method: 'read', input: [1, 2] })).reply?.output, [1, 2]);
});

test('input that is still encoded is decoded; what cannot be is INVALID_ARGUMENT', async () => {
  const call = served((input) => input);
  assert.deepEqual((await call({ input: new Encoded('json', Buffer.from('{"a":1}')) })).reply?.output, { a: 1 });
  assert.equal((await call({ input: new Encoded('json', Buffer.from('{')) })).error?.code, 'INVALID_ARGUMENT');
});

test('an RpcError reaches the caller whole, thrown at once or later', async () => {
  const thrown = new RpcError('NOT_FOUND', 'no such thing', { reason: 'GONE', retryAfter: 5 });
  for (const work of [
    () => {
      throw thrown;
    },
    () => Promise.reject(thrown),
  ]) {
    assert.equal((await served(work)()).error, thrown);
  }
});

test('anything else that is thrown is UNHANDLED without its text, which the log gets', async () => {
  for (const thrown of [new Error('secret'), 'secret', undefined, { code: 'NOT_FOUND' }]) {
    const logged: unknown[] = [];
    const log = { ...silentLog, error: (facts: object) => void logged.push(facts) };
    for (const work of [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ]) {
      const { error } = await served(work, {}, log)();
      assert.equal(error?.label, 'INTERNAL/UNHANDLED');
      assert.doesNotMatch(error!.message, /secret/);
      assert.equal(error?.stage, 'answered');
    }
    assert.equal(logged.length, 2);
    assert.equal((logged[0] as { err: unknown }).err, thrown);
  }
});

test('what a handler throws because its call was cancelled is no fault of it: the cancel is the answer', async () => {
  const lines: string[] = [];
  const line = (level: string) => () => void lines.push(level);
  const log = { ...silentLog, debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  for (const [code, thrown] of [
    ['CANCELLED', new DOMException('The operation was aborted', 'AbortError')],
    ['DEADLINE_EXCEEDED', new Error('sockets closed')],
  ] as const) {
    const call = new FakeIncoming();
    const { error } = await served(
      async () => {
        call.cancel(new RpcError(code, 'enough', { stage: 'sent', mayHaveExecuted: false }));
        throw thrown;
      },
      {},
      log,
    )({}, call);
    assert.deepEqual([error?.label, error?.message, error?.stage], [code, 'enough', 'answered']);
    assert.equal(error?.mayHaveExecuted, true);
  }
  assert.deepEqual(lines, ['debug', 'debug']);
  const call = new FakeIncoming();
  const said = new RpcError('ABORTED', 'its own word');
  const { error } = await served(async () => {
    call.cancel(new RpcError('CANCELLED', 'enough'));
    throw said;
  })({}, call);
  assert.equal(error, said);
});

test('the error of a call that the handler made is an answer like any other: this handler has run', async () => {
  const attempts = [{ node: 'secret', outcome: 'UNAVAILABLE', duration: 1 }];
  for (const stage of ['unsent', 'refused', 'sent'] as const) {
    const { error } = await served(() => {
      throw new RpcError('UNAVAILABLE', 'nobody there', { stage, attempts, reason: 'NO_NODES' });
    })();
    assert.equal(error?.label, 'UNAVAILABLE/NO_NODES');
    assert.equal(error?.stage, 'answered');
    assert.deepEqual(error?.attempts, []);
    assert.equal(error?.mayHaveExecuted, stage === 'sent');
  }
});

test('what a handler gives is awaited if it can be', async () => {
  // biome-ignore lint/suspicious/noThenProperty: that is what is tested
  const thenable = { then: (resolve: (value: unknown) => void) => resolve('late') };
  assert.equal((await served(() => thenable)()).reply?.output, 'late');
  assert.equal((await served(async () => 'later')()).reply?.output, 'later');
  assert.equal((await served(() => null)()).reply?.output, null);
  assert.equal((await served(() => undefined)()).reply?.output, undefined);
});

test('a handler sees its call; what it calls meanwhile belongs to it, and not once it is done', async () => {
  enableInheritance();
  let context: HandlerContext | undefined;
  let goOn = () => {};
  const left: unknown[] = [];
  const call = new FakeIncoming({ deadline: 77 });
  const { reply } = await served(async (_input, given) => {
    context = given;
    await Promise.resolve();
    left.push(currentCall());
    void new Promise<void>((resolve) => {
      goOn = resolve;
    }).then(() => left.push(currentCall()));
    return 1;
  })({}, call);
  assert.equal(reply?.output, 1);
  goOn();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(left, [call, undefined]);
  assert.equal(context?.deadline, 77);
  assert.equal(context?.peer.address, 'peer:1');
  assert.equal(context?.metadata, call.metadata);
  assert.equal(context?.signal, call.signal);
});

test('a call that is cancelled while its input is checked is not started', async () => {
  let started = 0;
  const call = new FakeIncoming({ method: 'slowSum', input: { a: 1 } });
  const handle = dispatch(
    { service: contract },
    () => ++started,
    () => {},
    silentLog,
  );
  const end = ending(() => handle(call));
  call.cancel(new RpcError('CANCELLED', 'enough'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(end.now?.error?.code, 'CANCELLED');
  assert.equal(started, 0);
});

test('the contract says whether a call may be repeated, not the caller', async () => {
  for (const [method, repeatable] of [
    ['read', true],
    ['sum', false],
  ] as const) {
    const call = new FakeIncoming({ method, input: [1] });
    await served(() => 1)({}, call);
    assert.equal(call.repeatable, repeatable, method);
  }
});

test('health is answered beside the handlers: by the hook, and without one as ok', async () => {
  assert.deepEqual((await served(() => 1)({ method: 'health' })).reply?.output, { status: 'ok' });
  const health = (hook: () => unknown) => served(() => 1, { health: hook })({ method: 'health' });
  assert.deepEqual((await health(async () => ({ database: 'slow' }))).reply?.output, { database: 'slow' });
  const { error } = await health(() => 'no database');
  assert.deepEqual([error?.label, error?.stage], ['UNAVAILABLE/UNHEALTHY', 'answered']);
  assert.equal((await served(() => 1)({ method: 'health', service: 'other' })).error?.code, 'UNIMPLEMENTED');
});

test('what a health check calls belongs to none of those who asked', async () => {
  enableInheritance();
  let seen: unknown = 'not asked';
  const health = () => {
    seen = currentCall();
  };
  await served(() => 1, { health })({ method: 'health' });
  assert.equal(seen, undefined);
});
