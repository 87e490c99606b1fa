import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Code, Reason } from '../core/code.ts';
import { RpcError, type Stage } from '../core/error.ts';
import { pushback } from './pushback.ts';

test('only who is full, or did not start the call, asks for itself', () => {
  const asks = (...[code, stage, reason]: [Code, Stage, Reason?]) =>
    pushback(new RpcError(code, 'not now', { stage, reason, retryAfter: 100 })) > 0;
  assert.ok(asks('RESOURCE_EXHAUSTED', 'refused', 'OVERLOADED'));
  assert.ok(asks('RESOURCE_EXHAUSTED', 'answered', 'OVERLOADED'), 'a handler that sheds load itself');
  assert.ok(asks('UNAVAILABLE', 'refused', 'REFUSED'));
  assert.ok(!asks('RESOURCE_EXHAUSTED', 'answered'), 'a quota of the caller');
  assert.ok(!asks('UNAVAILABLE', 'answered', 'CIRCUIT_OPEN'), 'a server behind the node');
});

const cases: [retryAfter: number | undefined, ms: number][] = [
  [undefined, 0],
  [0, 0],
  [150, 150],
  [2_000, 2_000],
  [2_001, 2_000],
  [3_600_000, 2_000],
  [Number.POSITIVE_INFINITY, 2_000],
  [-5, 0],
];

for (const [retryAfter, ms] of cases) {
  test(`a server that asks for ${retryAfter} ms is spared for ${ms} ms`, () => {
    assert.equal(pushback(new RpcError('RESOURCE_EXHAUSTED', 'full', { reason: 'OVERLOADED', retryAfter })), ms);
  });
}
