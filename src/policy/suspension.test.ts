import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { Suspensions } from './suspension.ts';
import { type SuspensionOptions, suspensionOptions } from './suspension-options.ts';

/** No jitter. */
const even = () => 0.5;
const alive = () => true;
const dead = () => false;

function members(count: number, options: Partial<SuspensionOptions> = {}, random: () => number = even) {
  const list = new Suspensions<string>(suspensionOptions(options), random);
  const names = Array.from({ length: count }, (_, i) => String.fromCharCode(65 + i));
  const windows = new Map(names.map((name) => [name, list.add(name)]));
  for (const name of names) list.setConnected(name, true);
  const fail = (name: string, now: number, times = 5) => {
    let suspended = false;
    for (let i = 0; i < times; i++) suspended = list.fault(name, now, true) || suspended;
    return suspended;
  };
  return { list, windows, fail };
}

test('five faults within ten seconds, at least half of the attempts, suspend', () => {
  const { list, windows, fail } = members(2);
  assert.ok(!fail('A', 0, 4));
  assert.ok(!list.has('A'));
  assert.ok(fail('A', 9_999, 1));
  assert.ok(list.has('A'));

  const other = members(2);
  for (let i = 0; i < 6; i++) other.windows.get('A')!.success(0);
  assert.ok(!other.fail('A', 0), 'five of eleven');
  assert.ok(other.fail('A', 0, 1), 'six of twelve');

  const late = members(2);
  late.fail('A', 0, 4);
  assert.ok(!late.fail('A', 10_000, 1), 'four of them are too old');
  assert.ok(windows.size === 2);
});

test('each failed probe doubles the time, up to 30 s; up to 5 s while heartbeats answer', () => {
  for (const [isAlive, lengths] of [
    [dead, [1, 2, 4, 8, 16, 30, 30]],
    [alive, [1, 2, 4, 5, 5, 5]],
  ] as const) {
    const { list, fail } = members(2);
    let now = 0;
    fail('A', now);
    for (const seconds of lengths) {
      assert.deepEqual(list.due(now + seconds * 1_000 - 1, isAlive), [], `before ${seconds} s`);
      now += seconds * 1_000;
      assert.deepEqual(list.due(now, isAlive), ['A'], `after ${seconds} s`);
      assert.deepEqual(list.due(now, isAlive), [], 'one probe');
      assert.ok(!list.probed('A', false, now));
    }
  }
});

test('no time is longer than 30 s, and all are jittered', () => {
  const random = seeded(7);
  const lengths = new Set<number>();
  for (let i = 0; i < 50; i++) {
    const { list, fail } = members(2, { base: 30_000 }, random);
    fail('A', 0);
    const until = list.until('A', false)!;
    assert.ok(until >= 24_000 && until <= 30_000, `${until}`);
    lengths.add(until);
  }
  assert.ok(lengths.size > 20);
});

test('a node whose heartbeats begin to answer is probed sooner', () => {
  const { list, fail } = members(2, { base: 20_000, maxAlive: 20_000, max: 30_000 });
  const short = members(2, { base: 2_000, max: 30_000, maxAlive: 3_000 });
  fail('A', 0);
  assert.deepEqual(list.due(19_999, alive), []);
  short.fail('A', 0);
  short.list.due(2_000, alive);
  short.list.probed('A', false, 2_000);
  assert.deepEqual(short.list.due(4_999, dead), [], 'until 6,000');
  assert.deepEqual(short.list.due(5_000, alive), ['A']);
});

test('one good probe brings it back, with a clean window', () => {
  const { list, fail } = members(2);
  fail('A', 0);
  list.due(1_000, alive);
  assert.ok(list.probed('A', true, 1_010));
  assert.ok(!list.has('A'));
  assert.ok(!fail('A', 1_020, 4), 'old faults do not count');
  assert.ok(fail('A', 1_030, 1));
});

test('strikes are forgotten after a good time', () => {
  for (const [again, length] of [
    [11_009, 2_000],
    [11_010, 1_000],
  ] as const) {
    const { list, fail } = members(2);
    fail('A', 0);
    list.due(1_000, alive);
    list.probed('A', true, 1_010);
    fail('A', again);
    assert.equal(list.until('A', false), again + length);
  }
});

test('a probe that nobody tells the end of has failed', () => {
  const { list, fail } = members(2);
  fail('A', 0);
  assert.deepEqual(list.due(1_000, alive), ['A']);
  assert.deepEqual(list.due(10_999, alive), []);
  list.due(11_000, alive);
  assert.deepEqual(list.due(13_000, alive), ['A']);
});

test('a probe does not bring back twice, nor one that was let go meanwhile', () => {
  const { list, fail } = members(2);
  fail('A', 0);
  list.due(1_000, alive);
  assert.deepEqual(list.setConnected('B', false), ['A']);
  assert.ok(!list.probed('A', true, 1_010));
  assert.ok(!list.probed('A', false, 1_010));
  assert.ok(!list.has('A'));
});

test('at most half of the connected nodes are suspended, rounded down', () => {
  for (const [nodes, most] of [
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [10, 5],
  ] as const) {
    const { list, windows, fail } = members(nodes);
    for (const name of windows.keys()) fail(name, 0);
    assert.equal([...windows.keys()].filter((name) => list.has(name)).length, most, `${nodes} nodes`);
  }
});

test('when connected nodes get fewer, the one suspended longest comes back', () => {
  const { list, fail } = members(4);
  fail('B', 0);
  fail('A', 10);
  assert.deepEqual(list.setConnected('C', false), ['B']);
  assert.ok(list.has('A'));
  assert.deepEqual(list.remove('D'), []);
  assert.deepEqual(list.setConnected('B', false), ['A']);
});

test('a suspended node without a connection is not probed, and takes no place of another', () => {
  const { list, fail } = members(3);
  fail('A', 0);
  list.setConnected('A', false);
  assert.deepEqual(list.due(60_000, alive), []);
  assert.ok(fail('B', 60_000));
  assert.deepEqual(list.setConnected('A', true), ['A'], 'of three only one, and it was there first');
});

test('none is suspended where it is turned off or forbidden, or not connected', () => {
  const off = members(2, { off: true });
  assert.ok(!off.fail('A', 0, 50));
  const { list } = members(2);
  for (let i = 0; i < 50; i++) assert.ok(!list.fault('A', 0, false));
  list.setConnected('B', false);
  for (let i = 0; i < 50; i++) assert.ok(!list.fault('B', 0, true));
});

test('whatever happens, at most half of the connected nodes are suspended, and every one is probed again', () => {
  const step = fc.record({
    node: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
    what: fc.constantFrom('fail', 'fail', 'fail', 'connect', 'disconnect', 'wait', 'remove', 'add'),
    ok: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer(), (steps, seed) => {
      const { list, fail } = members(5, {}, seeded(seed));
      const connected = new Set(['A', 'B', 'C', 'D', 'E']);
      const known = new Set(connected);
      let now = 0;
      for (const { node, what, ok } of steps) {
        if (what === 'fail') fail(node, now);
        else if (what === 'wait') {
          now += 1_000;
          for (const due of list.due(now, alive)) list.probed(due, ok, now);
        } else if (what === 'remove') {
          list.remove(node);
          known.delete(node);
          connected.delete(node);
        } else if (what === 'add' && !known.has(node)) {
          list.add(node);
          known.add(node);
        } else if (known.has(node) && (what === 'connect' || what === 'disconnect')) {
          list.setConnected(node, what === 'connect');
          if (what === 'connect') connected.add(node);
          else connected.delete(node);
        }
        const suspended = [...connected].filter((name) => list.has(name)).length;
        assert.ok(suspended <= Math.floor(connected.size / 2), `${suspended} of ${connected.size}`);
      }
      for (let i = 0; i < 70; i++) {
        now += 1_000;
        for (const due of list.due(now, dead)) list.probed(due, true, now);
      }
      for (const name of connected) assert.ok(!list.has(name), `${name} is suspended for ever`);
    }),
    { numRuns: 300 },
  );
});

test('options out of range are refused by name', () => {
  for (const [given, message] of [
    [{ window: 999 }, /suspension\.window is 999: expected a number in 1000\.\.600000/],
    [{ faults: 0 }, /suspension\.faults is 0/],
    [{ share: 1.01 }, /suspension\.share is 1\.01: expected a number in 0\.\.1/],
    [{ base: 9 }, /suspension\.base is 9/],
    [{ max: 999 }, /suspension\.max is 999: expected a number in 1000\.\.3600000/],
    [{ maxAlive: Number.NaN }, /suspension\.maxAlive is NaN/],
  ] as const) {
    assert.throws(() => suspensionOptions(given), message);
  }
  suspensionOptions({ window: 1_000, faults: 1, share: 1, base: 10, max: 10, maxAlive: 10 });
});
