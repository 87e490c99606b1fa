import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ServeOptions, serveOptions } from './options.ts';

const ranges: [keyof ServeOptions, min: number, max: number][] = [
  ['weight', 1, 65_536],
  ['maxConcurrent', 1, 1_000_000],
  ['maxQueueTime', 0, 60_000],
  ['handlerTimeout', 1, 2 ** 31 - 1],
  ['drainDelay', 0, 600_000],
];

for (const [name, min, max] of ranges) {
  test(`${name} takes whole numbers from ${min} to ${max}`, () => {
    assert.equal(serveOptions({ [name]: min })[name as 'weight'], min);
    assert.equal(serveOptions({ [name]: max })[name as 'weight'], max);
    for (const wrong of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5']) {
      const message = `option "${name}" is ${wrong}: expected a whole number from ${min} to ${max}`;
      assert.throws(() => serveOptions({ [name]: wrong }), { name: 'RangeError', message });
    }
  });
}

test('grace leaves two seconds after drainDelay for the last steps, at most an hour', () => {
  assert.equal(serveOptions({ drainDelay: 1_000, grace: 3_000 }).grace, 3_000);
  assert.throws(() => serveOptions({ drainDelay: 1_000, grace: 2_999 }), RangeError);
  assert.throws(() => serveOptions({ grace: 3_600_001 }), RangeError);
  // A long drainDelay takes the default along.
  assert.equal(serveOptions({ drainDelay: 60_000 }).grace, 70_000);
});

test('the defaults', () => {
  const { weight, maxConcurrent, maxQueueTime, handlerTimeout, drainDelay, grace, listen, id, tags } = serveOptions();
  assert.deepEqual(
    { weight, maxConcurrent, maxQueueTime, handlerTimeout, drainDelay, grace, listen, tags },
    {
      weight: 1_024,
      maxConcurrent: 1_000,
      maxQueueTime: 100,
      handlerTimeout: Number.POSITIVE_INFINITY,
      drainDelay: 4_000,
      grace: 30_000,
      listen: { host: '0.0.0.0', port: 7_000 },
      tags: [],
    },
  );
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.notEqual(id, serveOptions().id);
});

test('a wrong address or limit is named', () => {
  assert.throws(() => serveOptions({ listen: 'nowhere' }), /"nowhere" is no address: expected HOST:PORT/);
  assert.throws(() => serveOptions({ limits: { depth: 0 } }), /option "limits.depth" is 0: expected/);
});
