import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../../core/random.ts';
import type { AttemptEnd, Contender, Target } from '../contender.ts';
import { Envoy } from './envoy.ts';
import { Halving } from './halving.ts';
import { Sofa } from './sofa.ts';

function among<C extends Contender>(contender: C, count: number) {
  const targets = Array.from({ length: count }, (_, i): Target & { connected: boolean } => ({
    ...{ id: `s${i + 1}`, weight: 1, healthy: true, tier: 0, inFlight: 0, connected: true, alive: () => true },
  }));
  for (const target of targets) contender.add(target, 0, false);
  /** Attempts on the n-th server, counted from 1, that end so. */
  const end = (n: number, how: AttemptEnd, times = 1, now = 0) => {
    for (let i = 0; i < times; i++) contender.ended(targets[n - 1]!, how, now, 5_000, now);
  };
  const standing = (n: number) => contender.standing(targets[n - 1]!);
  const picks = (times: number, tried: readonly Target[] = []) => {
    const counts = targets.map(() => 0);
    for (let i = 0; i < times; i++) counts[targets.indexOf(contender.pick(tried, 0) as (typeof targets)[0])]!++;
    return counts;
  };
  return { contender, targets, end, standing, picks };
}

const trouble = { end: 'lost', made: 1, unsent: 0, losses: 1, refusals: 0, deadline: 5_000, untried: true } as const;

test('plain halving: an error halves down to 1, a success doubles up to the base, and weights are shares', () => {
  const { contender, targets, end, standing, picks } = among(new Halving(seeded(1)), 3);
  end(1, 'lost');
  assert.equal(standing(1), 1 / 2);
  end(1, 'refused', 30);
  assert.equal(standing(1), 1 / 1_024);
  end(1, 'ok', 2);
  assert.equal(standing(1), 4 / 1_024);
  end(1, 'cancelled');
  assert.equal(standing(1), 4 / 1_024);
  const [first, second, third] = picks(20_000);
  assert.ok(first! < 100 && Math.abs(second! - third!) < 600, `${first} ${second} ${third}`);
  assert.equal(picks(100, [targets[1]!])[1], 0, 'not one that was tried');
  assert.equal(
    picks(100, targets).reduce((a, b) => a + b),
    100,
    'unless all were',
  );
  assert.deepEqual(contender.again(trouble), { after: 0, charged: true });
  assert.equal(contender.again({ ...trouble, made: 3 }), undefined);
  assert.equal(contender.again({ ...trouble, end: 'timeout' }), undefined);
  assert.deepEqual([contender.hedge(), contender.due()], [false, []]);
});

test('Envoy ejects after five errors in a row, for 30 s, then for 60; and not more than a tenth', () => {
  const { contender, end, standing, picks } = among(new Envoy(() => 0), 10);
  end(1, 'overloaded', 4);
  end(1, 'ok');
  end(1, 'timeout', 4);
  assert.equal(standing(1), 1);
  end(1, 'lost');
  assert.deepEqual([standing(1), picks(90)[0]], [0, 0]);
  end(2, 'lost', 5);
  assert.equal(standing(2), 1, 'that would be two of ten');
  contender.advance(20_000);
  contender.advance(29_000);
  assert.equal(standing(1), 0);
  contender.advance(30_000);
  assert.equal(standing(1), 1);
  end(1, 'lost', 5, 30_000);
  for (let at = 40_000; at < 90_000; at += 10_000) contender.advance(at);
  assert.equal(standing(1), 0, 'twice as long');
  contender.advance(90_000);
  assert.equal(standing(1), 1);
});

test('Envoy with nine servers ejects none, or one if it always may; and uses all where fewer than half are left', () => {
  const few = among(new Envoy(() => 0), 9);
  few.end(1, 'lost', 5);
  assert.equal(few.standing(1), 1);
  const one = among(new Envoy(() => 0, { alwaysEjectOneHost: true }), 1);
  one.end(1, 'lost', 5);
  assert.equal(one.standing(1), 0);
  assert.deepEqual(one.picks(3), [3], 'panic: all are used');
  assert.equal(one.contender.panics, 1);
});

test('Envoy takes servers in turn, repeats once and not what timed out', () => {
  const { contender, picks } = among(new Envoy(() => 0.5), 4);
  assert.deepEqual(picks(40), [10, 10, 10, 10]);
  assert.deepEqual(contender.again(trouble), { after: 12.5, charged: true });
  assert.equal(contender.again({ ...trouble, made: 2 }), undefined);
  assert.equal(contender.again({ ...trouble, end: 'timeout' }), undefined);
});

test('Envoy ejects who answers much less well than the others, if there are calls enough', () => {
  const play = (calls: number) => {
    const it = among(new Envoy(() => 0), 10);
    it.contender.advance(0);
    for (let n = 1; n <= 10; n++) {
      for (let i = 0; i < calls; i++) it.end(n, n === 1 && i % 2 === 0 ? 'overloaded' : 'ok');
    }
    it.contender.advance(10_000);
    return it.standing(1);
  };
  assert.deepEqual([play(100), play(99)], [0, 1]);
});

test('SOFA degrades who fails six times as often as all do, to a twentieth, and gives it back by doubling', () => {
  const { contender, targets, end, standing, picks } = among(new Sofa(() => 0), 8);
  contender.advance(0);
  const window = (at: number, failures: number) => {
    for (let n = 1; n <= 8; n++) end(n, 'ok', n === 1 ? 20 - failures : 20);
    end(1, 'overloaded', failures);
    contender.advance(at);
  };
  window(10_000, 20);
  assert.equal(standing(1), 0.05);
  const seen = [20_000, 30_000, 40_000, 50_000, 60_000].map((at) => {
    window(at, 0);
    return standing(1);
  });
  assert.deepEqual(seen, [0.1, 0.2, 0.4, 0.8, 1]);
  assert.deepEqual(picks(10), [10, 0, 0, 0, 0, 0, 0, 0], 'chance of 0 takes the first');
  targets[0]!.connected = false;
  assert.deepEqual([contender.has(targets[0]!), standing(1), picks(10)[0]], [false, 0, 0]);
  assert.equal(contender.again(), undefined);
});

test('SOFA degrades nobody among five, as six times the mean cannot be; and two at most', () => {
  const five = among(new Sofa(() => 0), 5);
  five.contender.advance(0);
  five.end(1, 'timeout', 20);
  for (let n = 2; n <= 5; n++) five.end(n, 'ok', 20);
  five.contender.advance(10_000);
  assert.equal(five.standing(1), 1);
  const many = among(new Sofa(() => 0), 40);
  many.contender.advance(0);
  for (let n = 1; n <= 40; n++) many.end(n, n <= 3 ? 'timeout' : 'ok', 20);
  many.contender.advance(10_000);
  assert.deepEqual([1, 2, 3].map(many.standing), [0.05, 0.05, 1]);
  // A connection that is lost is no exception that counts.
  many.end(5, 'lost', 20);
  many.contender.advance(20_000);
  assert.equal(many.standing(5), 1);
});
