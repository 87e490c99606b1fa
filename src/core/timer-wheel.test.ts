import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from './random.ts';
import { TimerWheel } from './timer-wheel.ts';
import { VirtualClock } from './virtual-clock.ts';

test('a timer fires at the first step at or after its instant, never before', () => {
  const random = seeded(7);
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  let fired = 0;
  for (let i = 0; i < 2_000; i++) {
    const instant = clock.now() + random() * 12_000;
    wheel.at(instant, () => {
      fired++;
      assert.ok(clock.now() >= instant, `fired ${instant - clock.now()} ms early`);
      assert.ok(clock.now() - instant < 20, `fired ${clock.now() - instant} ms late`);
    });
    clock.advance(random() * 7);
  }
  clock.advance(12_100);
  assert.equal(fired, 2_000);
  assert.equal(wheel.size, 0);
});

test('a timer of more than one round (5.12 s) goes round until it is due', () => {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const fired: number[] = [];
  for (const ms of [5_110, 5_120, 5_130, 10_240, 51_200, 3_600_000]) wheel.at(ms, () => fired.push(ms));
  clock.advance(5_129);
  assert.deepEqual(fired, [5_110, 5_120]);
  clock.advance(5_111);
  assert.deepEqual(fired, [5_110, 5_120, 5_130, 10_240]);
  clock.advance(3_600_000);
  assert.deepEqual(fired, [5_110, 5_120, 5_130, 10_240, 51_200, 3_600_000]);
});

test('an instant that has passed fires at the next step, not at once', () => {
  const clock = new VirtualClock();
  clock.advance(1_003);
  const wheel = new TimerWheel(clock);
  let fired = false;
  wheel.at(5, () => {
    fired = true;
  });
  assert.equal(fired, false);
  clock.advance(10);
  assert.equal(fired, true);
});

test('what is cancelled does not fire; cancelling twice, or after it fired, does nothing', () => {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const fired: string[] = [];
  const cancelled = wheel.at(50, () => fired.push('cancelled'));
  const other = wheel.at(50, () => fired.push('other'));
  cancelled.cancel();
  cancelled.cancel();
  assert.equal(wheel.size, 1);
  clock.advance(60);
  other.cancel();
  assert.deepEqual(fired, ['other']);
  assert.equal(wheel.size, 0);
});

test('a callback may cancel others of its own step, and set new ones', () => {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const fired: string[] = [];
  // Both are due in the same step; whichever comes first cancels the other.
  const a = wheel.at(100, () => {
    fired.push('a');
    b.cancel();
    wheel.at(clock.now(), () => fired.push('next step'));
    // The same slot, one round later.
    wheel.at(100 + 5_120, () => fired.push('next round'));
  });
  const b = wheel.at(100, () => {
    fired.push('b');
    a.cancel();
    wheel.at(clock.now(), () => fired.push('next step'));
    wheel.at(100 + 5_120, () => fired.push('next round'));
  });
  clock.advance(100);
  assert.equal(fired.length, 1);
  clock.advance(10);
  assert.deepEqual(fired.slice(1), ['next step']);
  clock.advance(5_109);
  assert.equal(fired.length, 2);
  clock.advance(1);
  assert.deepEqual(fired.slice(2), ['next round']);
});

test('after a long pause all that is due fires at once, and nothing that is not', () => {
  // A process that was stopped: time goes on, timers do not.
  let now = 0;
  let tick = () => {};
  const wheel = new TimerWheel({
    now: () => now,
    wallTime: () => now,
    timer: (_ms, callback) => {
      tick = callback;
      return { cancel() {} };
    },
    sleep: () => Promise.resolve(),
  });
  const fired: number[] = [];
  for (const at of [20, 4_000, 5_140, 9_000, 60_000, 60_020, 90_000]) wheel.at(at, () => fired.push(at));
  now = 60_010;
  tick();
  assert.deepEqual(
    fired.toSorted((a, b) => a - b),
    [20, 4_000, 5_140, 9_000, 60_000],
  );
  now = 60_020;
  tick();
  assert.ok(fired.includes(60_020));
  assert.equal(wheel.size, 1);
});

test('an empty wheel holds no timer of the clock', () => {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  assert.equal(clock.pending, 0);
  wheel.at(10_000, () => {}).cancel();
  clock.advance(20);
  assert.equal(clock.pending, 0);
  // And starts again where it is.
  clock.advance(100_000);
  let at = 0;
  wheel.at(clock.now() + 30, () => {
    at = clock.now();
  });
  clock.advance(1_000);
  assert.equal(at, 100_050);
});

test('what a callback throws does not stop the other timers', async () => {
  const uncaught: unknown[] = [];
  const original = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    const clock = new VirtualClock();
    const wheel = new TimerWheel(clock);
    const fired: string[] = [];
    wheel.at(20, () => fired.push('same step'));
    wheel.at(20, () => {
      throw new Error('broken');
    });
    wheel.at(20, () => fired.push('same step'));
    wheel.at(50, () => fired.push('later'));
    await clock.run(60);
    assert.deepEqual(fired, ['same step', 'same step', 'later']);
    assert.equal((uncaught[0] as Error).message, 'broken');
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of original) process.on('uncaughtException', listener);
  }
});
