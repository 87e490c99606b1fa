import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, Cancellable, compose, type Layer, noMetadata, OutgoingCall } from './call.ts';
import { RpcError } from './error.ts';

const cause = new RpcError('CANCELLED', 'enough');
const outgoing = () =>
  new OutgoingCall({
    service: 's',
    method: 'm',
    input: 1,
    since: 0,
    deadline: 1_000,
    repeatable: true,
    metadata: { a: 'b' },
  });

class Work extends Cancellable {}

test('compose: the first layer is the outermost, it sees the call first and the reply last', async () => {
  const seen: string[] = [];
  const layer =
    (name: string): Layer =>
    (next) =>
    async (call) => {
      seen.push(`${name} in`);
      const reply = await next(call);
      seen.push(`${name} out`);
      return reply;
    };
  const handler = compose([layer('first'), layer('second')], () => {
    seen.push('handler');
    return { output: 1 };
  });
  await handler({} as Call);
  assert.deepEqual(seen, ['first in', 'second in', 'handler', 'second out', 'first out']);
});

test('compose: without layers it is the handler itself', () => {
  const handler = () => ({ output: 1 });
  assert.equal(compose([], handler), handler);
});

test('cancel reaches every listener once, and the signal with the cause; only the first cancel counts', () => {
  const work = new Work();
  const seen: string[] = [];
  work.onCancel((error) => seen.push(`a ${error.message}`));
  work.onCancel((error) => seen.push(`b ${error.message}`));
  work.onCancel((error) => seen.push(`c ${error.message}`));
  const { signal } = work;
  assert.equal(signal.aborted, false);
  work.cancel(cause);
  work.cancel(new RpcError('INTERNAL', 'too late'));
  assert.deepEqual(seen, ['a enough', 'b enough', 'c enough']);
  assert.equal(signal.reason, cause);
  assert.equal(work.cancelled, cause);
});

test('who comes after the cancel hears of it at once', () => {
  const work = new Work();
  work.cancel(cause);
  let heard: RpcError | undefined;
  work.onCancel((error) => {
    heard = error;
  });
  assert.equal(heard, cause);
  assert.equal(work.signal.aborted, true);
  assert.equal(work.signal.reason, cause);
});

test('offCancel forgets one listener, whichever place it has', () => {
  for (const gone of [0, 1, 2]) {
    const work = new Work();
    const seen: number[] = [];
    const listeners = [0, 1, 2].map((i) => () => void seen.push(i));
    for (const listener of listeners) work.onCancel(listener);
    work.offCancel(listeners[gone]!);
    work.offCancel(() => {});
    work.cancel(cause);
    assert.deepEqual(
      seen,
      [0, 1, 2].filter((i) => i !== gone),
    );
  }
});

test('an outgoing call fills in what is not given', () => {
  const call = new OutgoingCall({ service: 's', method: 'm', input: 1, since: 0, deadline: 5, repeatable: false });
  assert.equal(call.attempt, 1);
  assert.equal(call.metadata, noMetadata);
  assert.equal(call.wantsEncoded, false);
  assert.deepEqual(call.tried, []);
});

test('the same call again has its own identity: cancelled apart, with its attempt and where it was tried', () => {
  const first = outgoing();
  first.node = 'a';
  first.cancel(cause);
  const again = first.again(7, 2, ['a']);
  assert.equal(again.cancelled, undefined);
  assert.equal(again.node, undefined);
  assert.equal(again.attempt, 2);
  assert.equal(again.since, 7);
  assert.deepEqual(again.tried, ['a']);
  for (const key of ['service', 'method', 'input', 'deadline', 'repeatable', 'metadata', 'wantsEncoded'] as const)
    assert.equal(again[key], first[key], key);
});
