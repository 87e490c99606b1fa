import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type WeightOptions, weightOptions } from './weight-options.ts';

test('the defaults', () => {
  assert.deepEqual(weightOptions(), {
    floor: 1 / 1024,
    decay: {},
    recovery: 2,
    recoveryInterval: 500,
    slowStart: 5_000,
    slowStartFrom: 1 / 8,
  });
});

test('what is given is kept, the bounds included', () => {
  const given: WeightOptions = {
    floor: 1,
    decay: { refused: 0, overload: 1, health: 0.25, load: 0.75 },
    recovery: 'restore',
    recoveryInterval: 10,
    slowStart: 0,
    slowStartFrom: 1,
  };
  assert.deepEqual(weightOptions(given), given);
});

const wrong: [unknown, RegExp][] = [
  [{ floor: 0 }, /^weights\.floor is 0: expected a number in 0\.0000152587890625\.\.1$/],
  [{ floor: 2 }, /^weights\.floor is 2: /],
  [{ floor: Number.NaN }, /^weights\.floor is NaN: /],
  [{ floor: '1' }, /^weights\.floor is 1: expected a number/],
  [{ decay: { lost: -0.1 } }, /^weights\.decay\.lost is -0\.1: expected a number in 0\.\.1$/],
  [{ decay: { lost: 1.5 } }, /^weights\.decay\.lost is 1\.5: /],
  [
    { decay: { rain: 0.5 } },
    /^weights\.decay names "rain", which is no cause: expected one of refused, lost, timeout, /,
  ],
  [{ recovery: 3 }, /^weights\.recovery is 3: expected one of restore, 2, 4, 8$/],
  [{ recovery: 'slowly' }, /^weights\.recovery is slowly: /],
  [{ recoveryInterval: 9 }, /^weights\.recoveryInterval is 9: expected a number in 10\.\.600000$/],
  [{ slowStart: -1 }, /^weights\.slowStart is -1: /],
  [{ slowStartFrom: 0 }, /^weights\.slowStartFrom is 0: /],
];

for (const [options, message] of wrong) {
  test(`${JSON.stringify(options)} is refused with a sentence`, () => {
    assert.throws(() => weightOptions(options as Partial<WeightOptions>), { name: 'RangeError', message });
  });
}
