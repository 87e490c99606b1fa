import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { budgetOptions, RetryBudget, type RetryBudgetOptions } from './budget.ts';

/** Plays steps such as `100 calls`, `20 retries granted`, `1 denied`, `+10000 ms`, `balance 5`. */
function play(budget: RetryBudget, steps: readonly string[], start = 0): void {
  let now = start;
  for (const step of steps) {
    const count = Number(/-?\d+/.exec(step)![0]);
    if (step.endsWith('ms')) now += count;
    else if (step.startsWith('balance')) assert.equal(budget.balance(now), count, step);
    else
      for (let i = 0; i < count; i++) {
        if (step.endsWith('calls')) budget.deposit(now);
        else assert.equal(budget.withdraw(now), step.endsWith('granted'), `${step}, number ${i + 1}`);
      }
  }
}

const bare = { ratio: 0.2, perSecond: 0, window: 10_000 };

const cases: Record<string, [RetryBudget, string[]]> = {
  'a client without calls may retry 10 times a second, over a window of 10 s': [
    new RetryBudget(),
    ['balance 100', '100 granted', '1 denied', 'balance 0'],
  ],
  'one retry per five calls': [
    new RetryBudget(bare),
    ['1 denied', '4 calls', '1 denied', '1 calls', '1 granted', '1 denied', '50 calls', '10 granted', '1 denied'],
  ],
  'calls earn no retries after the window': [
    new RetryBudget(bare),
    ['100 calls', 'balance 20', '+9000 ms', 'balance 20', '+1000 ms', 'balance 0', '1 denied'],
  ],
  'retries weigh a slice longer than calls': [
    new RetryBudget({ ...bare, perSecond: 1 }),
    ['10 granted', '+10999 ms', 'balance 0', '1 denied', '+1 ms', 'balance 10', '10 granted'],
  ],
  'the window moves on in tenths': [
    new RetryBudget(bare),
    ['10 calls', '+5000 ms', '10 calls', 'balance 4', '+5000 ms', 'balance 2', '2 granted', '1 denied'],
  ],
  'after a long pause all is forgotten': [
    new RetryBudget({ ...bare, perSecond: 1 }),
    ['100 calls', '30 granted', '1 denied', '+1000000 ms', 'balance 10', '10 granted', '1 denied'],
  ],
  'a ratio of 0 and no reserve turn retries off': [
    new RetryBudget({ ratio: 0, perSecond: 0 }),
    ['1000 calls', '1 denied'],
  ],
};

for (const [name, [budget, steps]] of Object.entries(cases)) test(name, () => play(budget, steps));

test('the clock may begin anywhere', () => {
  play(new RetryBudget(bare), ['100 calls', '20 granted', '1 denied'], 123_456_789.5);
});

test('asking for the balance changes nothing', () => {
  const budget = new RetryBudget(bare);
  play(budget, ['10 calls']);
  assert.equal(budget.balance(60_000), 0);
  play(budget, ['balance 2', '2 granted']);
});

const wrong: [Partial<RetryBudgetOptions>, string][] = [
  [{ ratio: 2 }, 'budget.ratio is 2: expected a number in 0..1'],
  [{ ratio: 1.01 }, 'budget.ratio is 1.01: expected a number in 0..1'],
  [{ ratio: -1 }, 'budget.ratio is -1: expected a number in 0..1'],
  [{ perSecond: Number.NaN }, 'budget.perSecond is NaN: expected a number in 0..10000'],
  [{ perSecond: 10_001 }, 'budget.perSecond is 10001: expected a number in 0..10000'],
  [{ window: 10 }, 'budget.window is 10: expected a number in 1000..60000'],
];

for (const [options, message] of wrong) {
  test(`refused with a sentence: ${message}`, () => {
    assert.throws(() => new RetryBudget(options), { name: 'RangeError', message });
  });
}

test('the bounds themselves are taken', () => {
  for (const ratio of [0, 1]) assert.equal(budgetOptions({ ratio }).ratio, ratio);
  assert.deepEqual(budgetOptions(), { ratio: 0.2, perSecond: 10, window: 10_000 });
});

test('at each retry granted, those of the last window are within ratio x calls + reserve', () => {
  const step = fc.record({
    wait: fc.oneof(fc.constant(0), fc.nat(300), fc.nat(12_000)),
    calls: fc.nat(30),
    retries: fc.nat(15),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.nat(3),
      fc.integer({ min: 1_000, max: 12_000 }),
      (steps, ratio, perSecond, window) => {
        const budget = new RetryBudget({ ratio, perSecond, window });
        const calls: number[] = [];
        const granted: number[] = [];
        const within = (times: number[], now: number) => times.filter((time) => time > now - window).length;
        let now = 0;
        for (const { wait, calls: made, retries } of steps) {
          now += wait;
          for (let i = 0; i < made; i++) {
            budget.deposit(now);
            calls.push(now);
          }
          for (let i = 0; i < retries; i++) {
            const whole = budget.balance(now) >= 1;
            assert.equal(budget.withdraw(now), whole, 'the balance tells what withdraw will say');
            if (!whole) continue;
            granted.push(now);
            const most = ratio * within(calls, now) + (perSecond * window) / 1_000;
            assert.ok(within(granted, now) <= most + 1e-9, `${within(granted, now)} retries, at most ${most}`);
          }
        }
      },
    ),
  );
});
