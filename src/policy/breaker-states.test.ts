/** The breaker's state machine against a plain list of all that happened, for whatever happens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded } from '../core/random.ts';
import { Breaker, type BreakerState, type CallFailure } from './breaker.ts';
import { breakerOptions } from './breaker-options.ts';

const patience = 3_000;
const options = breakerOptions({ consecutive: 4, calls: 6, longestOpen: 8_000 });
const { consecutive, calls, rate, window, open, longestOpen } = options;

type Step =
  | { do: 'wait'; ms: number }
  | { do: 'call'; repeatable: boolean; reachable: boolean }
  | {
      do: 'end';
      which: number;
      how: 'answered' | 'unknown' | CallFailure['kind'];
      node: string | undefined;
      elsewhere: boolean;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(20), fc.nat(4_000)) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('call' as const), repeatable: fc.boolean(), reachable: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(100),
      how: fc.constantFrom('answered', 'unknown', 'lost', 'unreachable', 'other', 'other', 'other'),
      node: fc.constantFrom('a', 'a', 'b', undefined),
      elsewhere: fc.boolean(),
    }),
  },
);

interface Fact {
  at: number;
  failed: boolean;
  node: string | undefined;
}

/** What happened while the circuit was closed, in lists. */
class Chronicle {
  facts: Fact[] = [];
  run = 0;
  runOn: (string | undefined)[] = [];
  runAt = Number.NEGATIVE_INFINITY;
  lostAt = Number.NEGATIVE_INFINITY;
  unreachableSince: number | undefined;

  answered(at: number): void {
    this.facts.push({ at, failed: false, node: undefined });
    this.run = 0;
    this.runOn = [];
    this.unreachableSince = undefined;
  }

  /** True if this failure is to open the circuit. */
  failed(at: number, { startedAt, kind, node, elsewhere }: CallFailure): boolean {
    if (kind === 'unreachable') {
      this.unreachableSince ??= startedAt;
      if (at - this.unreachableSince < patience) return false;
    }
    if (startedAt > this.runAt) {
      this.run++;
      this.runAt = at;
    }
    this.runOn.push(node);
    if (kind !== 'lost' || startedAt > this.lostAt) this.facts.push({ at, failed: true, node });
    if (kind === 'lost' && startedAt > this.lostAt) this.lostAt = at;
    const ofOne = ([first, ...rest]: (string | undefined)[]) =>
      elsewhere && first !== undefined && rest.every((other) => other === first);
    if (this.run >= consecutive && !ofOne(this.runOn)) return true;
    const slice = (time: number) => Math.floor((time * 10) / window);
    const recent = this.facts.filter((fact) => slice(fact.at) > slice(at) - 10);
    const failures = recent.filter((fact) => fact.failed);
    if (recent.length < calls || failures.length === 0 || failures.length < rate * recent.length) return false;
    // For nodes the window is exact, not in tenths.
    const late = this.facts.filter((fact) => fact.failed && fact.at > at - window);
    return !ofOne(late.map((fact) => fact.node));
  }
}

class Play {
  readonly breaker: Breaker;
  now = 500;
  chronicle = new Chronicle();
  readonly under: { startedAt: number; trial: boolean }[] = [];
  times = 0;
  closedAt = Number.NEGATIVE_INFINITY;
  /** No trial is to be granted before this. */
  noTrialBefore = 0;
  opened = 0;
  closed = 0;

  constructor(seed: number) {
    this.breaker = new Breaker(options, patience, seeded(seed));
  }

  get state(): BreakerState {
    return this.breaker.state;
  }

  play(step: Step): void {
    if (step.do === 'wait') this.now += step.ms;
    else if (step.do === 'call') this.call(step.repeatable, step.reachable);
    else if (this.under.length > 0) this.end(step);
  }

  call(repeatable: boolean, reachable: boolean): void {
    const before = this.state;
    const said = this.breaker.admit(this.now, repeatable, reachable);
    assert.equal(said === 'pass', before.name === 'closed');
    if (said === 'reject') assert.equal(this.state, before, 'a call that is not made changes nothing');
    else this.under.push({ startedAt: this.now, trial: said === 'trial' });
    if (said !== 'trial' || before.name === 'closed') return;
    assert.equal(this.state.name, 'half-open');
    const early = before.name === 'open' && before.unreachable && reachable;
    assert.ok(early || this.now >= this.noTrialBefore, 'one trial at a time');
    this.checkLength();
  }

  end({ which, how, node, elsewhere }: Step & { do: 'end' }): void {
    const [call] = this.under.splice(which % this.under.length, 1);
    const { startedAt, trial } = call!;
    const before = this.state;
    if (how === 'answered') this.breaker.answered(this.now, trial);
    else if (how === 'unknown') this.breaker.unknown(this.now, trial);
    const failure = { startedAt, cause: how, kind: how as 'other', node, elsewhere };
    if (how !== 'answered' && how !== 'unknown') this.breaker.failed(this.now, failure, trial);
    const expected = this.expect(before, how, failure, trial);
    assert.equal(this.state.name, expected, `${before.name}, ${trial ? 'trial' : 'call'} ${how}`);
  }

  expect(before: BreakerState, how: string, failure: CallFailure, trial: boolean): BreakerState['name'] {
    const failed = how !== 'answered' && how !== 'unknown';
    if (before.name === 'closed') {
      if (how === 'answered') this.chronicle.answered(this.now);
      if (!failed || !this.chronicle.failed(this.now, failure)) return 'closed';
      this.opened++;
      this.times = this.now - this.closedAt < window ? this.times + 1 : 0;
      this.checkLength();
      return 'open';
    }
    if (!trial) assert.equal(this.state, before, 'only trials count while it is not closed');
    else if (how === 'answered') {
      this.closed++;
      this.closedAt = this.now;
      const { runAt, lostAt } = this.chronicle;
      this.chronicle = new Chronicle();
      Object.assign(this.chronicle, { runAt, lostAt });
      this.chronicle.answered(this.now);
      return 'closed';
    } else if (before.name === 'half-open' && how === 'unknown') this.noTrialBefore = this.now;
    else if (before.name === 'half-open') {
      this.times++;
      this.checkLength();
      return 'open';
    }
    return before.name;
  }

  checkLength(): void {
    assert.notEqual(this.state.name, 'closed');
    const { until } = this.state as { until: number };
    const length = Math.min(longestOpen, open * 2 ** this.times);
    assert.ok(until >= this.now + 0.75 * length && until <= this.now + length, `${until - this.now} of ${length}`);
    this.noTrialBefore = until;
  }

  /** Whatever happened, calls are made again. */
  checkWayOut(repeatable: boolean): void {
    if (this.state.name === 'closed') return;
    this.now = this.state.until + open;
    assert.equal(this.breaker.admit(this.now, repeatable, false), 'trial');
    this.breaker.answered(this.now, true);
    assert.equal(this.state.name, 'closed');
  }
}

test('whatever happens: it opens for its reasons only, tries one call at a time, and always finds its way out', () => {
  let opened = 0;
  let closed = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), fc.nat(), fc.boolean(), (steps, seed, repeatable) => {
      const play = new Play(seed);
      for (const one of steps) play.play(one);
      opened += play.opened;
      closed += play.closed;
      play.checkWayOut(repeatable);
    }),
    { numRuns: 500 },
  );
  assert.ok(opened > 100 && closed > 20, `only ${opened} times opened and ${closed} times closed: nothing was shown`);
});
