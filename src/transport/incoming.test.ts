import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Encoded, noMetadata } from '../core/call.ts';
import { RpcError } from '../core/error.ts';
import { json } from '../wire/codec.ts';
import type { CallMessage } from '../wire/message.ts';
import { IncomingCall } from './incoming.ts';

const peer = { address: 'memory' };

function framed(text: string, remaining = Number.POSITIVE_INFINITY): IncomingCall {
  const buffer = Buffer.from(`..${text}..`);
  const message: CallMessage = {
    service: 's',
    method: 'm',
    codec: json,
    attempt: 2,
    remaining,
    metadata: noMetadata,
    buffer,
    start: 2,
    end: buffer.length - 2,
  };
  return IncomingCall.framed(message, 1_000, peer, 4);
}

test('the remaining time becomes an instant on our own clock', () => {
  assert.equal(framed('1', 250).deadline, 1_250);
  assert.equal(framed('1').deadline, Number.POSITIVE_INFINITY);
});

test('the message is read when it is asked for, and once', () => {
  const call = framed('{"a":[1]}');
  const first = call.input;
  assert.deepEqual(first, { a: [1] });
  assert.equal(call.input, first);
  assert.deepEqual(call.payload, new Encoded('json', Buffer.from('{"a":[1]}')));
});

test('a message that cannot be read hurts who reads it', () => {
  const call = framed('{"a":[[[[1]]]]}');
  assert.deepEqual((call.payload as Encoded).bytes.length, 15);
  assert.throws(() => call.input, { code: 'INVALID_ARGUMENT', message: /deeper than 4/ });
});

test('a classic call has its value already, and no deadline', () => {
  const call = IncomingCall.classic({ service: 's', method: 'm', input: [1] }, 7, peer);
  assert.deepEqual([call.input, call.payload, call.codec, call.attempt], [[1], [1], undefined, 1]);
  assert.equal(call.deadline, Number.POSITIVE_INFINITY);
  assert.equal(call.metadata, noMetadata);
});

test('a cancelled call says why, to signals asked for before and after', () => {
  const cause = new RpcError('CANCELLED', 'gone');
  const call = framed('1');
  const before = call.signal;
  call.cancel(cause);
  assert.deepEqual([before.aborted, before.reason, call.signal], [true, cause, before]);
  const other = framed('1');
  other.cancel(cause);
  assert.equal(other.signal.reason, cause);
});
