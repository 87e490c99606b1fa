import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isoInstant } from '../../../src/core/clock.ts';
import { saysReady } from './ready.ts';

const node = (status: string, lastHeartbeatTime: string) => ({
  metadata: { name: 'node-1' },
  status: {
    conditions: [
      { type: 'DiskPressure', status: 'False', lastHeartbeatTime },
      { type: 'Ready', status, lastHeartbeatTime },
    ],
  },
});

test('a node is ready when it says so', () => {
  assert.equal(saysReady(node('True', '2026-11-21T11:00:00Z'), 0), true);
  assert.equal(saysReady(node('False', '2026-11-21T11:00:00Z'), 0), false);
  assert.equal(saysReady(node('Unknown', '2026-11-21T11:00:00Z'), 0), false);
  assert.equal(saysReady({ metadata: { name: 'node-1' }, status: {} }, 0), false);
});

test('what it said before it was switched on does not count', () => {
  const since = isoInstant('2026-11-21T11:00:05.700Z');
  assert.equal(saysReady(node('True', '2026-11-21T11:00:04Z'), since), false);
  // It says whole seconds.
  assert.equal(saysReady(node('True', '2026-11-21T11:00:05Z'), since), true);
});
