import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../test/support/world.ts';
import { breakerOptions } from '../policy/breaker-options.ts';
import { type ConnectOptions, connectOptions } from './options.ts';

const given = { registry: 'memory:options' };

const ranges: [name: keyof ConnectOptions, min: number, max: number][] = [
  ['timeout', 1, 2 ** 31 - 1],
  ['helloTimeout', 10, 60_000],
  ['connectTimeout', 0, 600_000],
  ['maxWaiting', 0, 1_000_000],
  ['retention', 0, 86_400_000],
];

for (const [name, min, max] of ranges) {
  test(`${name} takes whole numbers from ${min} to ${max}`, () => {
    for (const right of [min, max]) {
      assert.equal(connectOptions({ ...given, [name]: right })[name as 'timeout'], right);
    }
    for (const wrong of [min - 1, max + 1, min + 0.5, Number.NaN, '5']) {
      const message = `option "${name}" is ${wrong}: expected a whole number from ${min} to ${max}`;
      assert.throws(() => connectOptions({ ...given, [name]: wrong }), { name: 'RangeError', message });
    }
  });
}

test('attempts takes whole numbers from 1 to 1000, or no bound', () => {
  for (const right of [1, 1_000, Number.POSITIVE_INFINITY]) {
    assert.equal(connectOptions({ ...given, attempts: right }).attempts, right);
  }
  for (const wrong of [0, 1_001, 1.5, Number.NaN, '5' as unknown as number]) {
    const message = `option "attempts" is ${wrong}: expected a whole number from 1 to 1000, or Infinity`;
    assert.throws(() => connectOptions({ ...given, attempts: wrong }), { name: 'RangeError', message });
  }
});

test('a heartbeat is given up some time after it is asked for', () => {
  const heartbeat = (options: NonNullable<ConnectOptions['heartbeat']>) =>
    connectOptions({ ...given, heartbeat: options }).heartbeat;
  assert.deepEqual(heartbeat({}), { pingAfter: 1_000, deadAfter: 3_000, loadEvery: 1_000 });
  assert.deepEqual(heartbeat({ pingAfter: 200 }), { pingAfter: 200, deadAfter: 600, loadEvery: 1_000 });
  assert.deepEqual(heartbeat({ pingAfter: 50, deadAfter: 60, loadEvery: 0 }), {
    pingAfter: 50,
    deadAfter: 60,
    loadEvery: 0,
  });
  assert.throws(() => heartbeat({ loadEvery: 99 }), /option "heartbeat.loadEvery" is 99: .* from 100 to 30000/);
  assert.throws(() => heartbeat({ pingAfter: 49 }), /option "heartbeat.pingAfter" is 49/);
  assert.throws(() => heartbeat({ pingAfter: 100, deadAfter: 109 }), /option "heartbeat.deadAfter" is 109/);
});

test('circuits are broken where it is asked for', () => {
  const breaker = (value: ConnectOptions['breaker']) => connectOptions({ ...given, breaker: value! }).breaker;
  assert.equal(connectOptions(given).breaker, undefined);
  assert.equal(breaker(false), undefined);
  assert.deepEqual(breaker(true), breakerOptions());
  assert.deepEqual(breaker({ consecutive: 3 }), breakerOptions({ consecutive: 3 }));
});

test('a health check is over before the next one begins', () => {
  const health = (options: Partial<ConnectOptions>) => {
    const { healthInterval, healthTimeout } = connectOptions({ ...given, ...options });
    return [healthInterval, healthTimeout];
  };
  assert.deepEqual(health({}), [5_000, 1_000]);
  assert.deepEqual(health({ healthInterval: 300 }), [300, 300]);
  assert.deepEqual(health({ healthInterval: 0 }), [0, 1_000]);
  assert.throws(() => health({ healthTimeout: 5_001 }), /option "healthTimeout" is 5001: .* from 10 to 5000/);
  assert.throws(() => health({ healthInterval: 99 }), /option "healthInterval" is 99: .* from 100 to 3600000/);
  assert.throws(() => health({ healthTimeout: 0 }), /option "healthTimeout" is 0/);
});

test('the defaults', () => {
  const { timeout, attempts, hedging, balancer, helloTimeout, connectTimeout, maxWaiting, retention } =
    connectOptions(given);
  assert.deepEqual(
    { timeout, attempts, hedging, balancer, helloTimeout, connectTimeout, maxWaiting, retention },
    {
      timeout: 5_000,
      attempts: 3,
      hedging: true,
      balancer: 'p2c',
      helloTimeout: 1_000,
      connectTimeout: 5_000,
      maxWaiting: 1_000,
      retention: 600_000,
    },
  );
});

test('what is wrong is said before anything is opened', () => {
  const world = new World();
  for (const [wrong, expected] of [
    [{ balancer: 'best' }, /option "balancer" is best: expected random or p2c/],
    [{ hedging: 'off' }, /option "hedging" is off: expected true or false/],
    [{ weights: { recovery: 3 } }, /weights\.recovery is 3/],
    [{ weights: { floor: 0 } }, /weights\.floor is 0: expected a number in /],
    [{ budget: { ratio: 2 } }, /budget\.ratio is 2: expected a number in 0\.\.1/],
    [{ budget: { perSecond: Number.NaN } }, /budget\.perSecond is NaN/],
    [{ breaker: 'on' }, /option "breaker" is on: expected true, false or an object with some of consecutive, rate, /],
    [{ breaker: { rates: 1 } }, /option "breaker" has "rates": expected some of consecutive, rate, /],
    [{ budget: 0.2 }, /option "budget" is 0\.2: expected an object with some of ratio, perSecond, window/],
    [{ budget: null }, /option "budget" is null: expected an object/],
    [{ budget: { percent: 20 } }, /option "budget" has "percent": expected some of ratio, perSecond, window/],
    [{ weights: { toString: 1 } }, /option "weights" has "toString": expected some of floor, decay, /],
    [{ heartbeat: { every: 1 } }, /option "heartbeat" has "every": expected some of pingAfter, deadAfter/],
    [{ limits: { size: 1 } }, /option "limits" has "size": expected some of message, metadata, /],
    [{ breaker: { rate: 50 } }, /breaker\.rate is 50: expected a number in 0\.01\.\.1/],
    [{ loadThresholds: { memory: 2 } }, /loadThresholds\.memory is 2: expected a number in 0\.1\.\.1/],
    [{ limits: { depth: 0 } }, /option "limits.depth" is 0/],
    [{ registry: 'nowhere:' }, /no registry system "nowhere"/],
    [{ registry: undefined }, /option "registry" is missing/],
  ] as const) {
    assert.throws(() => world.client(wrong as Partial<ConnectOptions>), expected);
  }
  assert.equal(world.clock.pending, 0);
});
