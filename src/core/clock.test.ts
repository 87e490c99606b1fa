import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('a timer for longer than the system can count is far off, and not due at once', async (t) => {
  const fired: number[] = [];
  for (const ms of [2 ** 31, Number.POSITIVE_INFINITY]) {
    const timer = systemClock.timer(ms, () => fired.push(ms));
    t.after(() => timer.cancel());
  }
  await systemClock.sleep(50);
  assert.deepEqual(fired, []);
});
