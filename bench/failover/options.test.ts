import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contenderNames } from './contender.ts';
import { readFailoverOptions } from './options.ts';
import { full, quick } from './scenario.ts';

test('by default everybody plays the whole scenario with both deadlines', () => {
  const { contenders, deadlines, scenario, json } = readFailoverOptions([]);
  assert.deepEqual(contenders, contenderNames);
  assert.deepEqual(deadlines, [5_000, 1_000]);
  assert.equal(scenario, full);
  assert.equal(json, undefined);
});

test('contenders, deadlines, scenario and file can be chosen', () => {
  const args = ['--only', 'grpc-js-tuned,evenkeel', '--deadline', '250', '--quick', '--json', 'figures.json'];
  const { contenders, deadlines, scenario, json } = readFailoverOptions(args);
  assert.deepEqual(contenders, ['evenkeel', 'grpc-js-tuned']);
  assert.deepEqual(deadlines, [250]);
  assert.equal(scenario, quick);
  assert.equal(json, 'figures.json');
});

test('what is not allowed is refused with what is', () => {
  assert.throws(() => readFailoverOptions(['--only', 'grpc']), /--only grpc: expected some of evenkeel, grpc-js/);
  for (const wrong of ['0', '1.5', 'NaN', '5000,', '60000', '1s']) {
    assert.throws(
      () => readFailoverOptions(['--deadline', wrong]),
      /--deadline .*: expected whole ms from 10 to 30000/,
    );
  }
  assert.throws(() => readFailoverOptions(['--round', '3']), /--round/);
});
