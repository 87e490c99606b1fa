import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptLog } from '../../test/support/transport.ts';
import { RpcError } from '../core/error.ts';
import { logBadPeer, unanswerable } from './served.ts';

const asked = { method: 'give', peer: { address: 'h:1' } };

test('an answer that is too large stays what it is; one that cannot be said is the handler’s failure; the log hears of both', () => {
  const { log, lines } = keptLog();
  const tooLarge = new RpcError('RESOURCE_EXHAUSTED', 'big', { reason: 'TOO_LARGE', stage: 'unsent' });
  const large = unanswerable(tooLarge, asked, log);
  assert.deepEqual(
    [large.label, large.message, large.stage, large.mayHaveExecuted],
    ['RESOURCE_EXHAUSTED/TOO_LARGE', 'big', 'answered', true],
  );
  const strange = unanswerable(new RpcError('INVALID_ARGUMENT', 'no BigInt', { stage: 'unsent' }), asked, log);
  assert.deepEqual(
    [strange.label, strange.message, strange.stage, strange.mayHaveExecuted],
    ['INTERNAL', "the handler's answer: no BigInt", 'answered', true],
  );
  assert.equal(unanswerable(new TypeError('secret'), asked, log).message.includes('secret'), false);
  assert.deepEqual(lines, Array(3).fill('error what a handler gave cannot be sent'));
});

test('a bad peer is a line for who looks for it', () => {
  const { log, lines } = keptLog();
  logBadPeer(log, 'h:1', new RpcError('INTERNAL', 'nonsense', { reason: 'PROTOCOL' }));
  assert.deepEqual(lines, ['debug closed a connection: nonsense']);
});
