import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CallRecord, judge, judgeParts } from './judge.ts';

/** A call that was due then and took so long; without an end for `undefined`. */
function call(
  intended: number,
  took: number | undefined,
  outcome = took === undefined ? 'no end' : 'right',
): CallRecord {
  const ended = took === undefined ? undefined : intended + took;
  return { intended, ended, outcome, pid: outcome === 'right' ? 7 : undefined };
}

test('only the right answer within the deadline is not lost', () => {
  const calls = [
    call(0, 1),
    call(1, 1_000),
    call(2, 1_001),
    call(3, 2, 'wrong'),
    call(4, 2, 'UNAVAILABLE'),
    call(5, undefined),
  ];
  assert.equal(judge(calls, 1_000).lost, 4);
  assert.equal(judge(calls, 5_000).lost, 3, 'what is late for one deadline is in time for another');
});

test('latency counts from when a call was due, whatever its end', () => {
  const calls = [call(0, 400), call(10, 401), call(20, 1_000), call(30, 1_001, 'DEADLINE_EXCEEDED'), call(40, 5)];
  const { calls: count, over400, over1000, p50, max } = judge(calls, 5_000);
  assert.deepEqual({ count, over400, over1000, p50, max }, { count: 5, over400: 3, over1000: 1, p50: 401, max: 1_001 });
});

test('p99 is the latency that one call of a hundred exceeds', () => {
  const calls = Array.from({ length: 200 }, (_, index) => call(index, index + 1));
  const { p99, max } = judge(calls, 5_000);
  assert.deepEqual([p99, max], [198, 200]);
});

test('a call without an end took for ever, which JSON has as null', () => {
  const { over400, over1000, p50, max } = judge([call(0, 1), call(1, 1), call(2, undefined)], 5_000);
  assert.deepEqual([over400, over1000, p50, max], [1, 1, 1, null]);
});

test('without calls there are no latencies', () => {
  const { calls, lost, p99, max } = judge([], 5_000);
  assert.deepEqual([calls, lost, p99, max], [0, 0, undefined, undefined]);
});

test('a call belongs to the part in which it was due, and a lost one says why there', () => {
  const calls = [
    call(0, 1),
    call(99, 500),
    call(100, 700, 'UNAVAILABLE'),
    call(150, 2_000),
    call(151, 3, 'UNAVAILABLE'),
  ];
  const parts = judgeParts(calls, 1_000, [
    { name: 'quiet', from: 0 },
    { name: 'kill -9', from: 100 },
    { name: 'after', from: 200 },
  ]);
  assert.deepEqual(
    parts.map(({ name, calls, lost, over400 }) => [name, calls, lost, over400]),
    [
      ['quiet', 2, 0, 1],
      ['kill -9', 3, 3, 2],
      ['after', 0, 0, 0],
    ],
  );
  assert.deepEqual(Object.entries(parts[1]!.reasons), [
    ['UNAVAILABLE', 2],
    ['the right answer, too late', 1],
  ]);
});
