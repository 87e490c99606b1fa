import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertShares, tally } from '../../../test/support/balancers.ts';
import { seeded } from '../../core/random.ts';
import { Turns } from './turns.ts';

function turnsOf(weights: readonly number[], seed = 1): Turns {
  const turns = new Turns(seeded(seed));
  for (const [position, weight] of weights.entries()) turns.add(position, weight);
  return turns;
}

const takeMany = (turns: Turns, count: number) => tally(count, () => String(turns.take()));

test('any stretch of turns gives each its share, give or take one turn', () => {
  const weights = [5, 3, 1, 1];
  for (let seed = 0; seed < 50; seed++) {
    const turns = turnsOf(weights, seed);
    takeMany(turns, seed);
    for (const length of [1, 7, 10, 100, 1_003]) {
      const counts = takeMany(turns, length);
      for (const [position, weight] of weights.entries()) {
        // Two of the same weight may both have their turn just within the stretch, or just not: hence 2 and not 1.
        const difference = Math.abs((counts.get(String(position)) ?? 0) - (length * weight) / 10);
        assert.ok(difference < 2, `seed ${seed}: ${position} is ${difference} turns from its share of ${length}`);
      }
    }
  }
});

test('agrees with a list of deadlines, whatever changes', () => {
  const weight = fc.constantFrom(0.5, 1, 2, 8, 1_024);
  const step = fc.record({
    kind: fc.constantFrom('set', 'remove', 'take', 'take', 'take'),
    position: fc.nat(7),
    weight,
    hidden: fc.uniqueArray(fc.nat(7), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.nat(), (steps, seed) => {
      const turns = new Turns(seeded(seed));
      const model = new NaiveTurns(seeded(seed));
      for (const { kind, position, weight, hidden } of steps) {
        const here = model.entries.has(position);
        if (kind === 'set') {
          if (here) turns.weigh(position, weight);
          else turns.add(position, weight);
          model.set(position, weight);
        } else if (kind === 'remove' && here) {
          turns.remove(position);
          model.entries.delete(position);
        } else if (kind === 'take') {
          const away = hidden.filter((each) => model.entries.has(each));
          if (away.length === model.entries.size) continue;
          for (const each of away) turns.hide(each);
          // The first turn is by lot, which the next test is about.
          const taken = turns.take();
          model.take(taken, away);
          for (const each of away) turns.show(each);
        }
      }
    }),
  );
});

/** The rules of `Turns`, said with a list: whose turn it is must be among the earliest. */
class NaiveTurns {
  readonly entries = new Map<number, { due: number; weight: number }>();
  readonly #random: () => number;
  #now = 0;
  #begun = false;

  constructor(random: () => number) {
    this.#random = random;
  }

  set(position: number, weight: number): void {
    const entry = this.entries.get(position);
    if (this.entries.size === 0) this.#begun = false;
    if (entry === undefined) this.entries.set(position, { due: this.#now + this.#random() / weight, weight });
    else Object.assign(entry, { weight, due: this.#now + ((entry.due - this.#now) * entry.weight) / weight });
  }

  take(taken: number, hidden: readonly number[]): void {
    const entry = this.entries.get(taken)!;
    assert.ok(!hidden.includes(taken));
    if (!this.#begun) {
      this.#begun = true;
      this.#random();
      entry.due = this.#now;
    }
    for (const [position, { due }] of this.entries)
      assert.ok(hidden.includes(position) || due >= entry.due, `the turn of ${position} came before that of ${taken}`);
    const { due } = entry;
    for (const position of hidden) {
      const passed = this.entries.get(position)!;
      passed.due = Math.max(passed.due, due - 1 / passed.weight);
    }
    this.#now = Math.min(due, ...hidden.map((position) => this.entries.get(position)!.due));
    entry.due += 1 / entry.weight;
  }
}

/** The least of a random deadline for each would favour the light: 1 beside 4 would be first in 1 of 8, and not in 1 of 5. */
test('the first turn of all is drawn by weight, of those not hidden', () => {
  let seed = 0;
  const firsts = tally(20_000, () => String(turnsOf([1, 4], seed++).take()));
  assertShares(firsts, { 0: 1, 1: 4 });
  seed = 0;
  const others = tally(20_000, () => {
    const turns = turnsOf([1, 4, 2], seed++);
    turns.hide(1);
    return String(turns.take());
  });
  assertShares(others, { 0: 1, 2: 2 });
});

test('it is drawn anew after all have left: what comes then is as good as new', () => {
  let seed = 0;
  const firsts = tally(20_000, () => {
    const turns = turnsOf([1], seed++);
    turns.take();
    turns.remove(0);
    turns.add(0, 1);
    turns.add(1, 4);
    return String(turns.take());
  });
  assertShares(firsts, { 0: 1, 1: 4 });
});

test('a change of weight keeps the part of the turn that was waited for', () => {
  // In the middle of a turn, wherever that is: half of them before the other has had 500, whatever the weight does meanwhile.
  let early = 0;
  for (let seed = 0; seed < 1_000; seed++) {
    const turns = turnsOf([1, 1_000], seed);
    turns.take();
    let until = 0;
    for (; until < 10_000 && turns.take() !== 0; until++) turns.weigh(0, until % 2 === 0 ? 0.5 : 1.5);
    if (until < 500) early++;
  }
  assert.ok(Math.abs(early - 500) < 5 * Math.sqrt(250), `${early} of 1,000 before half a turn of the other`);
});

/**
 * Dubbo's issue 15762. A turn that begins anew with each change is never over where changes come faster than turns; the same for
 * one that is over at once.
 */
test('a weight that changes before each turn neither starves nor floods', () => {
  const turns = turnsOf([100, 100, 100, 100, 100, 100, 100, 100, 100, 100]);
  const random = seeded(2);
  let fair = 0;
  let taken = 0;
  for (let turn = 0; turn < 10_000; turn++) {
    const weight = random() < 0.5 ? 50 : 100;
    turns.weigh(0, weight);
    fair += weight / (900 + weight);
    if (turns.take() === 0) taken++;
  }
  assert.ok(Math.abs(taken - fair) < 0.02 * fair, `${taken} turns, fair are ${fair}`);
});

test('who was passed over is next, and one turn is owed, whether it was passed over twice or often', () => {
  for (const passed of [4, 20]) {
    const turns = turnsOf([1, 1, 1]);
    takeMany(turns, 30);
    turns.hide(0);
    takeMany(turns, passed);
    turns.show(0);
    assert.deepEqual([turns.take(), turns.take()], [0, 0], 'the one owed and its own');
    assert.notEqual(turns.take(), 0);
    const counts = takeMany(turns, 9);
    assert.ok(counts.get('0')! <= 4, `${counts.get('0')} of 9`);
  }
});

test('turns before their time, while the others are hidden, are no gain to a newcomer and no loss', () => {
  const turns = turnsOf([1, 1_000]);
  takeMany(turns, 5_000);
  // The light one is picked ten times out of turn, which is as long as 10,000 turns of the heavy one.
  for (let i = 0; i < 10; i++) {
    turns.hide(1);
    assert.equal(turns.take(), 0);
    turns.show(1);
  }
  turns.add(2, 1_000);
  const counts = takeMany(turns, 2_000);
  assert.ok(Math.abs(counts.get('2')! - 1_000) <= 2 && Math.abs(counts.get('1')! - 1_000) <= 2, String([...counts]));
});

test('an age of turns leaves no rounding error behind', () => {
  const turns = turnsOf([1e-9, 1e-9]);
  takeMany(turns, 10_000);
  turns.hide(0);
  takeMany(turns, 10_000);
  turns.show(0);
  assert.equal(turns.take(), 0, 'who was hidden then is where it was');
  takeMany(turns, 2);
  // 10^13 on the clock by now, where 1/65,536 would be lost.
  turns.add(2, 65_536);
  turns.add(3, 32_768);
  const counts = takeMany(turns, 90_000);
  assert.ok(Math.abs(counts.get('2')! - 60_000) <= 2 && Math.abs(counts.get('3')! - 30_000) <= 2, String([...counts]));
});
