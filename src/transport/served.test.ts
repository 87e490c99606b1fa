import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptLog } from '../../test/support/transport.ts';
import { RpcError } from '../core/error.ts';
import { logBadPeer, unanswerable } from './served.ts';

test('an answer that is too large stays what it is; one that cannot be said is the handler’s failure', () => {
  const large = unanswerable(new RpcError('RESOURCE_EXHAUSTED', 'big', { reason: 'TOO_LARGE', stage: 'unsent' }));
  assert.deepEqual(
    [large.label, large.message, large.stage, large.mayHaveExecuted],
    ['RESOURCE_EXHAUSTED/TOO_LARGE', 'big', 'answered', true],
  );
  const strange = unanswerable(new RpcError('INVALID_ARGUMENT', 'no BigInt', { stage: 'unsent' }));
  assert.deepEqual(
    [strange.label, strange.message, strange.stage, strange.mayHaveExecuted],
    ['INTERNAL', "the handler's answer: no BigInt", 'answered', true],
  );
  assert.equal(unanswerable(new TypeError('secret')).message.includes('secret'), false);
});

test('a bad peer is a line for who looks for it', () => {
  const { log, lines } = keptLog();
  logBadPeer(log, 'h:1', new RpcError('INTERNAL', 'nonsense', { reason: 'PROTOCOL' }));
  assert.deepEqual(lines, ['debug closed a connection: nonsense']);
});
