import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayLimits, gatewayLimits } from './limits.ts';

const ends: [keyof GatewayLimits, number, number][] = [
  ['body', 1_024, 268_435_456],
  ['depth', 1, 1_000],
  ['headers', 1_024, 1_048_576],
  ['calls', 1, 1_000_000],
  ['connections', 1, 1_000_000],
  ['requestTimeout', 5_000, 600_000],
  ['writeTimeout', 100, 600_000],
  ['unread', 1_048_576, 4_294_967_296],
  ['idleTimeout', 100, 600_000],
  ['connectionAge', 1_000, 2 ** 31 - 1],
  ['connectionRequests', 1, 2 ** 31 - 1],
];

test('each limit takes the ends of its range and nothing beyond', () => {
  for (const [name, min, max] of ends) {
    assert.equal(gatewayLimits({ [name]: min })[name], min);
    assert.equal(gatewayLimits({ [name]: max })[name], max);
    for (const bad of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => gatewayLimits({ [name]: bad }), new RegExp(`limit "${name}" is ${bad}: expected `));
    }
  }
});

test('a request may not take less time than its headers', () => {
  assert.deepEqual(gatewayLimits({ headerTimeout: 100, requestTimeout: 100 }).requestTimeout, 100);
  assert.throws(
    () => gatewayLimits({ requestTimeout: 4_999 }),
    /"requestTimeout" is 4999: expected at least "headerTimeout", 5000/,
  );
});
