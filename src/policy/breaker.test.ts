import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../core/random.ts';
import { Breaker, type CallFailure, type Open } from './breaker.ts';
import { type BreakerOptions, breakerOptions } from './breaker-options.ts';

const patience = 5_000;

/** A breaker, and calls on it. Time moves by `wait` only. */
class Circuit {
  readonly breaker: Breaker;
  now = 1_000;

  constructor(options: Partial<BreakerOptions> = {}, random: () => number = () => 1) {
    this.breaker = new Breaker(breakerOptions(options), patience, random);
  }

  get state(): string {
    return this.breaker.state.name;
  }

  get open(): Open {
    assert.notEqual(this.breaker.state.name, 'closed');
    return this.breaker.state as Open;
  }

  wait(ms: number): this {
    this.now += ms;
    return this;
  }

  admit(facts: { repeatable?: boolean; reachable?: boolean } = {}) {
    return this.breaker.admit(this.now, facts.repeatable ?? true, facts.reachable ?? true);
  }

  answer(trial = false): this {
    this.breaker.answered(this.now, trial);
    return this;
  }

  /** A call that was made `took` ms ago fails now. */
  fail(facts: Partial<CallFailure> & { took?: number; trial?: boolean } = {}): this {
    const { took = 0, trial = false, ...rest } = facts;
    const usual = { cause: 'broken', kind: 'other', node: undefined, elsewhere: true } as const;
    const failure = { startedAt: this.now - took, ...usual, ...rest };
    this.breaker.failed(this.now, failure, trial);
    return this;
  }

  /** Calls one after the other, each made when the one before is over. */
  failInTurn(times: number, facts: Parameters<Circuit['fail']>[0] = {}): this {
    for (let i = 0; i < times; i++) this.wait((facts.took ?? 0) + 1).fail(facts);
    return this;
  }

  opened(): this {
    for (let i = 0; this.state !== 'open'; i++) {
      assert.ok(i < 100);
      this.failInTurn(1);
    }
    return this;
  }

  /** Until the trial may be made, and makes it. */
  trying(): this {
    this.now = this.open.until;
    assert.equal(this.admit(), 'trial');
    return this;
  }
}

test('a circuit is closed, and lets every call pass', () => {
  const circuit = new Circuit();
  assert.equal(circuit.state, 'closed');
  for (const repeatable of [true, false]) {
    for (const reachable of [true, false]) assert.equal(circuit.admit({ repeatable, reachable }), 'pass');
  }
});

test('five failures one after the other open it; an answer in between begins the count anew', () => {
  const circuit = new Circuit().failInTurn(4).answer().failInTurn(4);
  assert.equal(circuit.state, 'closed');
  circuit.failInTurn(1, { cause: 'INTERNAL: no' });
  assert.equal(circuit.state, 'open');
  assert.equal(circuit.open.cause, 'INTERNAL: no');
  assert.equal(circuit.open.since, circuit.now);
});

test('it does not matter how far apart the five are', () => {
  const circuit = new Circuit();
  for (let i = 0; i < 5; i++) circuit.wait(3_600_000).fail();
  assert.equal(circuit.state, 'open');
});

test('calls that were under way together, and fail together, are one failure of the five', () => {
  const circuit = new Circuit({ calls: 1_000 });
  for (let i = 0; i < 50; i++) circuit.wait(1).fail({ took: 1_000 });
  assert.equal(circuit.state, 'closed');
  circuit.wait(1_000);
  for (let burst = 0; burst < 4; burst++) {
    assert.equal(circuit.state, 'closed');
    circuit.wait(1_000);
    for (let i = 0; i < 9; i++) circuit.fail({ took: 900 });
  }
  assert.equal(circuit.state, 'open');
});

test('half of the calls of 10 s open it, from ten calls on', () => {
  const after = (answers: number, failures: number) => {
    const circuit = new Circuit({ consecutive: 1_000 });
    for (let i = 0; i < answers; i++) circuit.answer();
    return circuit.failInTurn(failures).state;
  };
  assert.equal(after(0, 9), 'closed', 'nine of nine');
  assert.equal(after(0, 10), 'open', 'ten of ten');
  assert.equal(after(5, 4), 'closed', 'four of nine');
  assert.equal(after(5, 5), 'open', 'five of ten');
  assert.equal(after(6, 5), 'closed', 'five of eleven');
  assert.equal(after(100, 99), 'closed');
  assert.equal(after(100, 100), 'open');
});

test('an answer opens nothing, whatever it makes of the rate', () => {
  const circuit = new Circuit({ consecutive: 1_000 }).failInTurn(9).answer();
  assert.equal(circuit.state, 'closed');
});

test('calls of more than 10 s ago are forgotten', () => {
  const circuit = new Circuit({ consecutive: 1_000 }).failInTurn(9).wait(10_000).failInTurn(9);
  assert.equal(circuit.state, 'closed');
  circuit.failInTurn(1);
  assert.equal(circuit.state, 'open');
});

test('one node that fails is no reason while there is another, though that one may not have answered yet', () => {
  const circuit = new Circuit().failInTurn(100, { node: 'a' });
  assert.equal(circuit.state, 'closed');
  circuit.answer().failInTurn(100, { node: 'a' });
  assert.equal(circuit.state, 'closed');
  circuit.failInTurn(1, { node: 'b' });
  assert.equal(circuit.state, 'open', 'both fail now');
});

test('it is a reason where there is no other', () => {
  const inTurn = new Circuit().failInTurn(4, { node: 'a' });
  assert.equal(inTurn.state, 'closed');
  assert.equal(inTurn.failInTurn(1, { node: 'a', elsewhere: false }).state, 'open');
  const often = new Circuit();
  for (let i = 0; i < 5; i++) often.answer().failInTurn(1, { node: 'a', elsewhere: false });
  assert.equal(often.state, 'open');
});

test('a call that was tried on several nodes speaks for all of them', () => {
  const inTurn = new Circuit().failInTurn(4, { node: 'a' }).failInTurn(1, { node: undefined });
  assert.equal(inTurn.state, 'open');
  const often = new Circuit();
  for (let i = 0; i < 4; i++) often.answer().failInTurn(1, { node: 'a' });
  assert.equal(often.answer().failInTurn(1, { node: undefined }).state, 'open');
});

test('that another node failed before the last answer makes no run, and more than 10 s ago no rate', () => {
  const inTurn = new Circuit({ calls: 1_000 }).failInTurn(1, { node: 'b' }).answer().failInTurn(20, { node: 'a' });
  assert.equal(inTurn.state, 'closed');
  assert.equal(
    inTurn.wait(60_000).failInTurn(1, { node: 'b' }).state,
    'open',
    'in one run they count however long ago',
  );
  const often = new Circuit({ consecutive: 1_000 }).failInTurn(1, { node: 'b' }).wait(10_000);
  assert.equal(often.failInTurn(20, { node: 'a' }).state, 'closed');
});

test('all the calls that one connection takes with it are one failure', () => {
  const circuit = new Circuit();
  for (let i = 0; i < 50; i++) circuit.fail({ took: 100, kind: 'lost' });
  assert.equal(circuit.state, 'closed');
  // Those of other kinds count each: they had their time.
  for (let i = 0; i < 8; i++) circuit.fail({ took: 100 });
  assert.equal(circuit.state, 'closed');
  circuit.fail({ took: 100 });
  assert.equal(circuit.state, 'open');
});

test('an outage is no failure as long as calls wait it out; one that lasts longer is', () => {
  const circuit = new Circuit();
  for (let i = 0; i < 400; i++) circuit.wait(10).fail({ took: 1_000, kind: 'unreachable' });
  // The first of those calls was made 4,990 ms ago.
  assert.equal(circuit.state, 'closed');
  for (let i = 0; i < 9; i++) circuit.wait(10).fail({ took: 1_000, kind: 'unreachable' });
  assert.equal(circuit.state, 'closed', 'nine that count');
  circuit.wait(10).fail({ took: 1_000, kind: 'unreachable' });
  assert.equal(circuit.state, 'open');
  assert.equal(circuit.open.unreachable, true);
});

test('an answer ends an outage: the next one has its own time', () => {
  const circuit = new Circuit().wait(1_000).fail({ took: 1_000, kind: 'unreachable' }).answer().wait(100_000);
  for (let i = 0; i < 50; i++) circuit.wait(10).fail({ took: 1_000, kind: 'unreachable' });
  assert.equal(circuit.state, 'closed');
});

test('while it is open no call is made; when the time is over one is, as a trial, and no other', () => {
  const circuit = new Circuit().opened();
  assert.equal(circuit.open.until, circuit.now + 1_000);
  for (let i = 0; i < 10; i++) assert.equal(circuit.wait(99).admit(), 'reject');
  assert.equal(circuit.wait(10).admit(), 'trial');
  assert.equal(circuit.state, 'half-open');
  for (let i = 0; i < 10; i++) assert.equal(circuit.wait(10).admit(), 'reject');
});

test('a trial that is answered closes it, with nothing left of what was', () => {
  const circuit = new Circuit().opened().trying().answer(true);
  assert.equal(circuit.state, 'closed');
  circuit.failInTurn(4);
  assert.equal(circuit.state, 'closed');
  assert.equal(circuit.admit(), 'pass');
});

test('a trial that fails opens it for twice as long, up to a bound; it says since when', () => {
  const circuit = new Circuit({ longestOpen: 30_000 }).opened();
  const { since } = circuit.open;
  const lengths: number[] = [];
  for (let i = 0; i < 8; i++) {
    circuit
      .trying()
      .wait(5)
      .fail({ trial: true, cause: `trial ${i}` });
    assert.equal(circuit.state, 'open');
    assert.equal(circuit.open.cause, `trial ${i}`);
    assert.equal(circuit.open.since, since);
    lengths.push(circuit.open.until - circuit.now);
  }
  assert.deepEqual(lengths, [2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
});

test('each time is shortened by up to a quarter, by chance', () => {
  for (const [random, length] of [
    [0, 750],
    [0.5, 875],
  ] as const) {
    const circuit = new Circuit({}, () => random).opened();
    assert.equal(circuit.open.until - circuit.now, length);
  }
});

test('one that opens again within 10 s of closing goes on with its times; later it begins anew', () => {
  const circuit = new Circuit().opened().trying().fail({ trial: true }).trying().answer(true).wait(4_000).opened();
  assert.equal(circuit.open.until - circuit.now, 4_000);
  circuit.trying().answer(true).wait(10_000).opened();
  assert.equal(circuit.open.until - circuit.now, 1_000);
});

test('a trial that says nothing is followed by another one at once, and the time stays what it was', () => {
  const circuit = new Circuit().opened().trying();
  circuit.breaker.unknown(circuit.now, true);
  assert.equal(circuit.admit(), 'trial');
  circuit.fail({ trial: true });
  assert.equal(circuit.open.until - circuit.now, 2_000);
  circuit.breaker.unknown(circuit.now, true);
  assert.equal(circuit.admit(), 'reject', 'a trial of before changes nothing');
});

test('a trial that is silent is followed by another one after the same time; either may close it', () => {
  const circuit = new Circuit().opened().trying();
  assert.equal(circuit.wait(999).admit(), 'reject');
  assert.equal(circuit.wait(1).admit(), 'trial');
  circuit.fail({ trial: true });
  assert.equal(circuit.state, 'open');
  circuit.answer(true);
  assert.equal(circuit.state, 'closed');
});

test('a second trial that fails late does not open it any longer', () => {
  const circuit = new Circuit().opened().trying().wait(1_000);
  assert.equal(circuit.admit(), 'trial');
  circuit.fail({ trial: true });
  const { until } = circuit.open;
  circuit.wait(100).fail({ trial: true });
  assert.equal(circuit.open.until, until);
});

test('what was under way when it opened neither closes it nor lengthens its time', () => {
  const circuit = new Circuit().opened();
  const before = circuit.breaker.state;
  circuit.answer().fail();
  circuit.breaker.unknown(circuit.now, false);
  assert.equal(circuit.breaker.state, before);
  circuit.trying();
  const during = circuit.breaker.state;
  circuit.answer().fail();
  circuit.breaker.unknown(circuit.now, false);
  assert.equal(circuit.breaker.state, during);
});

test('a call that must not run twice is the trial only where no other kind came lately', () => {
  const alone = new Circuit().opened().wait(500);
  assert.equal(alone.admit({ repeatable: false }), 'reject');
  assert.equal(alone.wait(500).admit({ repeatable: false }), 'trial');

  const beside = new Circuit().opened().wait(500);
  assert.equal(beside.admit({ repeatable: true }), 'reject');
  assert.equal(beside.wait(500).admit({ repeatable: false }), 'reject');
  assert.equal(beside.wait(999).admit({ repeatable: false }), 'reject');
  assert.equal(beside.admit({ repeatable: true }), 'trial');

  const inVain = new Circuit().opened().wait(500);
  inVain.admit({ repeatable: true });
  assert.equal(inVain.wait(1_500).admit({ repeatable: false }), 'trial');
});

test('whether others came is asked anew each time that it opens', () => {
  const circuit = new Circuit().opened().trying();
  assert.equal(circuit.admit({ repeatable: true }), 'reject');
  circuit.answer(true).opened();
  circuit.now = circuit.open.until;
  assert.equal(circuit.admit({ repeatable: false }), 'trial');
});

test('where calls failed before it opened is forgotten when it closes', () => {
  const circuit = new Circuit().failInTurn(4, { node: 'b' }).failInTurn(1).trying().answer(true);
  for (let i = 0; i < 20; i++) circuit.failInTurn(1, { node: 'a' });
  assert.equal(circuit.state, 'closed');
});

test('opened by an outage, it is tried as soon as a server is there, and not later', () => {
  const outage = () => {
    const circuit = new Circuit();
    while (circuit.state === 'closed') circuit.wait(1_000).fail({ took: 999, kind: 'unreachable' });
    return circuit;
  };
  const back = outage();
  assert.equal(back.admit({ reachable: false }), 'reject');
  assert.equal(back.admit({ reachable: true }), 'trial');
  assert.equal(back.admit({ reachable: true }), 'reject', 'one is enough');
  const away = outage();
  away.now = away.open.until;
  assert.equal(away.admit({ reachable: false }), 'trial');
  assert.equal(new Circuit().opened().admit({ reachable: true }), 'reject', 'opened by anything else, it waits');
});

test('chance decides about times only, and the same seed about the same ones', () => {
  const play = (seed: number) => new Circuit({}, seeded(seed)).opened().trying().fail({ trial: true }).open.until;
  assert.equal(play(1), play(1));
  assert.notEqual(play(1), play(2));
});

const wrong: [Partial<BreakerOptions>, string][] = [
  [{ consecutive: 0 }, 'breaker.consecutive is 0: expected a number in 1..1000000'],
  [{ rate: 0 }, 'breaker.rate is 0: expected a number in 0.01..1'],
  [{ rate: 50 }, 'breaker.rate is 50: expected a number in 0.01..1'],
  [{ calls: Number.NaN }, 'breaker.calls is NaN: expected a number in 1..1000000'],
  [{ window: 999 }, 'breaker.window is 999: expected a number in 1000..600000'],
  [{ open: 9 }, 'breaker.open is 9: expected a number in 10..600000'],
  [{ open: 2_000, longestOpen: 1_999 }, 'breaker.longestOpen is 1999: expected a number in 2000..3600000'],
];

for (const [options, message] of wrong) {
  test(`refused with a sentence: ${message}`, () => {
    assert.throws(() => breakerOptions(options), { name: 'RangeError', message });
  });
}

test('the defaults', () => {
  const defaults = { consecutive: 5, rate: 0.5, calls: 10, window: 10_000, open: 1_000, longestOpen: 5_000 };
  assert.deepEqual(breakerOptions(), defaults);
  assert.equal(breakerOptions({ open: 60_000 }).longestOpen, 60_000);
});
