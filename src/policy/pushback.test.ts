import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpcError } from '../core/error.ts';
import { pushback } from './pushback.ts';

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
