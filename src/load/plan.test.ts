import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concurrency, dueTimes, dueWithin, indexOf, lengthOf, type ProofLoad, plannedCall } from './plan.ts';

const steady: ProofLoad = { kind: 'proof', startRate: 10, stages: [{ target: 10, duration: 1000 }] };
const ramp: ProofLoad = {
  kind: 'proof',
  startRate: 100,
  stages: [
    { target: 300, duration: 4000 },
    { target: 300, duration: 1000 },
  ],
};

describe('the times at which calls are due', () => {
  it('are evenly spread at a steady rate', () => {
    assert.deepEqual([...dueTimes(steady)].map(Math.round), [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
  });

  it('rise with a ramp: each where the area under the rate reaches the next whole number', () => {
    const times = [...dueTimes(ramp)];
    assert.equal(times.length, 1100);
    for (const [index, ms] of times.entries()) {
      const t = Math.min(ms, 4000) / 1000;
      const area = 100 * t + 25 * t * t + 300 * Math.max(0, ms / 1000 - 4);
      assert.ok(Math.abs(area - (index + 1)) < 1e-3, `call ${index} is due at ${ms} ms, where the area is ${area}`);
    }
  });

  it('agree with the number that is due within a time', () => {
    const times = [...dueTimes(ramp)];
    for (const ms of [0, 1, 999, 1000, 3999.5, 4000, 4500, 5000, 9000]) {
      assert.equal(dueWithin(ramp, ms), times.filter((time) => time <= ms + 1e-6).length, `within ${ms} ms`);
    }
  });

  it('are none for a rate of nothing, and begin with the ramp after it', () => {
    const late: ProofLoad = {
      kind: 'proof',
      startRate: 0,
      stages: [
        { target: 0, duration: 1000 },
        { target: 2, duration: 1000 },
      ],
    };
    assert.deepEqual([...dueTimes(late)].map(Math.round), [2000]);
    assert.equal(dueWithin(late, 1500), 0);
  });

  it('jump with a stage that takes no time', () => {
    const jump: ProofLoad = {
      kind: 'proof',
      startRate: 1,
      stages: [
        { target: 100, duration: 0 },
        { target: 100, duration: 100 },
      ],
    };
    assert.equal([...dueTimes(jump)].length, 10);
    assert.equal(lengthOf(jump), 100);
  });
});

describe('a planned call', () => {
  it('asks for seven values of n in turn, so that a mixed-up answer shows', () => {
    const inputs = Array.from({ length: 8 }, (_, index) => plannedCall({ run: 'r', n: 93, unsafe: 0 }, index).input);
    assert.deepEqual(inputs, [93, 94, 95, 96, 97, 98, 99, 93]);
  });

  it('is one that must not run twice as often as asked, evenly spread', () => {
    const methods = Array.from({ length: 100 }, (_, index) => plannedCall({ run: 'r', n: 1, unsafe: 0.05 }, index));
    const unsafe = methods.filter((call) => call.unsafe).map(({ id }) => id);
    assert.deepEqual(unsafe, ['r-19', 'r-39', 'r-59', 'r-79', 'r-99']);
    assert.equal(methods[19]!.method, 'append');
    assert.equal(methods[19]!.input, 'r-19');
  });

  it('is known by its id, other text is not', () => {
    assert.equal(indexOf('r', 'r-17'), 17);
    for (const text of ['s-17', 'r-', 'r-1x', 'r17', '', 'r--1']) assert.equal(indexOf('r', text), undefined, text);
  });
});

it('allows as many calls in flight as are due within a deadline and a second more', () => {
  assert.equal(concurrency({ load: ramp, deadline: 5000 }), 1800);
  assert.equal(concurrency({ load: steady, deadline: 500 }), 20);
  assert.equal(concurrency({ load: { kind: 'capacity', users: 7, duration: 1 }, deadline: 5000 }), 7);
});
