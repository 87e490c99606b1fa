import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { every } from './clock.ts';
import { VirtualClock } from './virtual-clock.ts';

test('timers fire in order of their time, and of their making when that is equal, each at its own now', () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  for (const [name, ms] of Object.entries({ a: 30, b: 10, c: 20, d: 10 }))
    clock.timer(ms, () => fired.push(`${name}@${clock.now()}`));
  clock.advance(25);
  assert.deepEqual(fired, ['b@10', 'd@10', 'c@20']);
  assert.equal(clock.now(), 25);
  clock.advance(5);
  assert.deepEqual(fired.slice(3), ['a@30']);
  assert.equal(clock.pending, 0);
});

test('a timer set while the clock moves fires in the same move if it is due in it', () => {
  const clock = new VirtualClock();
  const fired: number[] = [];
  clock.timer(10, () => clock.timer(10, () => fired.push(clock.now())));
  clock.advance(20);
  assert.deepEqual(fired, [20]);
});

test('what is cancelled does not fire; a time below zero counts as zero', () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  const timer = clock.timer(-5, () => fired.push('cancelled'));
  clock.timer(-5, () => fired.push('now'));
  timer.cancel();
  clock.advance(0);
  assert.deepEqual(fired, ['now']);
});

test('wall time moves with the clock', () => {
  const clock = new VirtualClock(1_000_000);
  clock.advance(1_500);
  assert.equal(clock.wallTime(), 1_001_500);
});

test('run lets promises and streams in memory go on between two timers', async () => {
  const clock = new VirtualClock();
  const [near, far] = duplexPair();
  far.on('data', (chunk) => far.write(chunk));
  const seen: string[] = [];
  near.on('data', (chunk) => seen.push(`${chunk}@${clock.now()}`));
  clock.timer(10, () => near.write('a'));
  const slept = clock.sleep(15).then(async () => {
    for (let i = 0; i < 100; i++) await new Promise<void>((resolve) => process.nextTick(resolve));
    seen.push(`slept@${clock.now()}`);
  });
  clock.timer(20, () => near.write('b'));
  await clock.run(20);
  await slept;
  assert.deepEqual(seen, ['a@10', 'slept@15', 'b@20']);
});

test('sleep ends with the signal, and leaves no timer behind', async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const slept = clock.sleep(1_000, controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(slept, /enough/);
  assert.equal(clock.pending, 0);
  await assert.rejects(clock.sleep(5, AbortSignal.abort(new Error('before'))), /before/);
  assert.equal(clock.pending, 0);
});

test('every: at each interval until it is cancelled, from within too', () => {
  const clock = new VirtualClock();
  let rounds = 0;
  const timer = every(clock, 100, () => {
    if (++rounds === 3) timer.cancel();
  });
  clock.advance(99);
  assert.equal(rounds, 0);
  clock.advance(10_000);
  assert.equal(rounds, 3);
  assert.equal(clock.pending, 0);
});
