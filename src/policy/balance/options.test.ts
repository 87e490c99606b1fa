import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../core/random.ts';
import { makeBalancer } from './index.ts';
import { type BalancerOptions, balancerOptions } from './options.ts';

test('what is not given has its default', () => {
  const defaults = { latencyDecay: 10_000, faultLatency: 5_000, hashBound: 1.25, hashPoints: 100 };
  assert.deepEqual(balancerOptions(), defaults);
  assert.deepEqual(balancerOptions({ hashBound: 2 }), { ...defaults, hashBound: 2 });
});

const bad: [Record<string, unknown>, string][] = [
  [{ latencyDecay: 99 }, 'latencyDecay is 99: expected a number in 100..600000'],
  [{ latencyDecay: Number.NaN }, 'latencyDecay is NaN: expected a number in 100..600000'],
  [{ faultLatency: 0 }, 'faultLatency is 0: expected a number in 1..600000'],
  [{ faultLatency: '5s' }, 'faultLatency is 5s: expected a number in 1..600000'],
  [{ hashBound: 1 }, 'hashBound is 1: expected a number in 1.01..100'],
  [{ hashBound: Infinity }, 'hashBound is Infinity: expected a number in 1.01..100'],
  [{ hashPoints: 1_001 }, 'hashPoints is 1001: expected a number in 1..1000'],
  [{ hashPoints: 2.5 }, 'hashPoints is 2.5: expected a whole number'],
  [
    { hashpoints: 5 },
    '"hashpoints" is no balancer option: expected some of latencyDecay, faultLatency, hashBound, hashPoints',
  ],
];
for (const [given, message] of bad)
  test(`${JSON.stringify(given)} is refused: ${message}`, () => {
    assert.throws(() => balancerOptions(given as Partial<BalancerOptions>), { name: 'RangeError', message });
    assert.throws(() => makeBalancer('p2c', seeded(1), given as Partial<BalancerOptions>), { message });
  });
