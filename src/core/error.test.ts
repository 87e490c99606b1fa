import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codes, isCode } from './code.ts';
import { RpcError } from './error.ts';

test("the codes are gRPC's sixteen, and nothing else is one", () => {
  assert.equal(codes.length, 16);
  for (const code of codes) assert.ok(isCode(code));
  for (const other of ['OK', 'toString', '', 5, null, undefined]) assert.equal(isCode(other), false);
});

test('a thrown error is an answer, and has not been lost on the way', () => {
  const error = new RpcError('NOT_FOUND', 'no such thing', { reason: 'GONE', retryAfter: 5 });
  assert.equal(error.stage, 'answered');
  assert.equal(error.mayHaveExecuted, false);
  assert.deepEqual(error.attempts, []);
  assert.equal(error.retryAfter, 5);
  assert.equal(error.label, 'NOT_FOUND/GONE');
  assert.equal(new RpcError('NOT_FOUND', '').label, 'NOT_FOUND');
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'RpcError');
});

test('what was sent and not answered may have run, unless it is known better', () => {
  assert.equal(new RpcError('UNAVAILABLE', '', { stage: 'sent' }).mayHaveExecuted, true);
  assert.equal(new RpcError('UNAVAILABLE', '', { stage: 'sent', mayHaveExecuted: false }).mayHaveExecuted, false);
  assert.equal(new RpcError('UNAVAILABLE', '', { stage: 'unsent' }).mayHaveExecuted, false);
  assert.equal(new RpcError('UNAVAILABLE', '', { stage: 'refused' }).mayHaveExecuted, false);
});

test('with() keeps all that it is not told otherwise, the stack too', () => {
  const cause = new Error('why');
  const error = new RpcError('ABORTED', 'text', { reason: 'X', cause, stage: 'sent', retryAfter: 7 });
  const copy = error.with({ attempts: [{ node: 'a', outcome: 'ABORTED', duration: 1 }] });
  assert.notEqual(copy, error);
  for (const key of ['code', 'message', 'reason', 'cause', 'stage', 'mayHaveExecuted', 'retryAfter', 'stack'] as const)
    assert.equal(copy[key], error[key], key);
  assert.equal(copy.attempts.length, 1);
  assert.equal(error.attempts.length, 0);
  assert.equal(error.with({ stage: 'answered', mayHaveExecuted: false }).stage, 'answered');
});

test('from(): an RpcError as it is, of another copy of the package too; all else as UNHANDLED without its text', () => {
  const error = new RpcError('NOT_FOUND', 'text');
  assert.equal(RpcError.from(error), error);
  const foreign = Object.assign(new Error('other copy'), {
    code: 'NOT_FOUND',
    [Symbol.for('evenkeel.RpcError')]: true,
  });
  assert.equal(RpcError.from(foreign), foreign);
  for (const thrown of [new Error('secret'), 'secret', undefined, null, { code: 'NOT_FOUND', message: 'secret' }]) {
    const made = RpcError.from(thrown);
    assert.equal(made.label, 'INTERNAL/UNHANDLED');
    assert.equal(made.cause, thrown);
    assert.equal(made.mayHaveExecuted, true);
    assert.doesNotMatch(made.message, /secret/);
  }
});

test('as its caller gets it, it names the method, and has the stack of the caller', async () => {
  const cause = new Error('why');
  const first = new RpcError('UNAVAILABLE', 'gone', { reason: 'CONNECTION_LOST', stage: 'sent', cause, retryAfter: 7 });
  assert.equal(String(first), 'RpcError: gone');
  assert.match(first.stack!, /^RpcError: gone\n/);
  async function call() {
    await Promise.resolve();
    throw first.of('inventory', 'reserve');
  }
  async function caller() {
    await call();
  }
  const error: RpcError = await caller().catch((thrown) => thrown);
  assert.deepEqual([error.service, error.method, first.method], ['inventory', 'reserve', undefined]);
  const keys = ['code', 'message', 'reason', 'cause', 'stage', 'mayHaveExecuted', 'attempts', 'retryAfter'] as const;
  for (const key of keys) assert.equal(error[key], first[key], key);
  const said = 'RpcError: inventory.reserve: UNAVAILABLE/CONNECTION_LOST: gone';
  assert.equal(String(error), said);
  assert.ok(error.stack!.startsWith(`${said}\n    at `), String(error.stack));
  assert.match(error.stack!, /^.*\n +at call .*\n +at async caller /);
  assert.equal(String(first.of('', 'reserve')), 'RpcError: reserve: UNAVAILABLE/CONNECTION_LOST: gone');
  const again = error.with({ stage: 'answered' });
  assert.deepEqual([again.method, again.stack], ['reserve', error.stack]);
  assert.equal(error.of('other', 'method'), error);
});
