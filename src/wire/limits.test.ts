import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Limits, limits, longestFrame, ranges } from './limits.ts';

test('defaults are those of the design', () => {
  assert.deepEqual(limits(), {
    message: 4_194_304,
    metadata: 16_384,
    calls: 4_096,
    headerTimeout: 5_000,
    bodyTimeout: 10_000,
    writeTimeout: 30_000,
    depth: 64,
  });
});

test('each limit takes the ends of its range and nothing beyond', () => {
  for (const [name, { min, max }] of Object.entries(ranges) as [keyof Limits, { min: number; max: number }][]) {
    for (const good of [min, max]) assert.equal(limits({ [name]: good })[name], good);
    for (const bad of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => limits({ [name]: bad }),
        {
          name: 'RangeError',
          message: `option "limits.${name}" is ${bad}: expected a whole number from ${min} to ${max}`,
        },
        `${name} ${bad}`,
      );
    }
  }
});

test('the longest frame has room for the longest message, metadata and name, and is a length no preface has', () => {
  const largest = limits({ message: ranges.message.max, metadata: ranges.metadata.max });
  const call = 5 + 8 + 255 + 2 + largest.metadata + largest.message;
  assert.ok(longestFrame(largest) >= call);
  assert.ok(longestFrame(largest) < Buffer.from('EVKL').readUInt32LE());
});
