import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Code, codes, type Reason } from '../core/code.ts';
import { RpcError, type Stage } from '../core/error.ts';
import { seeded } from '../core/random.ts';
import { decideRetry, type RetryFacts } from './retry.ts';

const errors = {
  'connect failed': failure('UNAVAILABLE', 'unsent', 'CONNECT_FAILED'),
  'connection closing': failure('UNAVAILABLE', 'unsent', 'CONNECTION_LOST'),
  refused: failure('UNAVAILABLE', 'refused', 'REFUSED'),
  draining: failure('UNAVAILABLE', 'refused', 'DRAINING'),
  overloaded: failure('RESOURCE_EXHAUSTED', 'refused', 'OVERLOADED'),
  lost: failure('UNAVAILABLE', 'sent', 'CONNECTION_LOST'),
  'protocol broken': failure('INTERNAL', 'sent', 'PROTOCOL'),
  'not found': failure('NOT_FOUND', 'answered'),
  'answered unavailable': failure('UNAVAILABLE', 'answered'),
  'thrown by the handler': failure('INTERNAL', 'answered', 'UNHANDLED'),
  'no nodes': failure('UNAVAILABLE', 'unsent', 'NO_NODES'),
  'too large': failure('RESOURCE_EXHAUSTED', 'unsent', 'TOO_LARGE'),
  'not writable': failure('INVALID_ARGUMENT', 'unsent'),
  'cancelled before': failure('CANCELLED', 'unsent'),
  'cancelled under way': failure('CANCELLED', 'sent'),
  'out of time': failure('DEADLINE_EXCEEDED', 'unsent'),
  'out of time under way': failure('DEADLINE_EXCEEDED', 'sent'),
};

function failure(code: Code, stage: Stage, reason?: Reason): RpcError {
  return new RpcError(code, 'it failed', { stage, reason });
}

const usual: Omit<RetryFacts, 'error'> = {
  attempts: 1,
  maxAttempts: 3,
  repeatable: false,
  chained: false,
  connectionLosses: 0,
  refusals: 0,
  now: 1_000,
  deadline: 6_000,
  untried: true,
};

type Verdict =
  | 'free'
  | 'charged'
  | 'answered'
  | 'not-repeatable'
  | 'attempts'
  | 'deadline'
  | 'losses'
  | 'chain'
  | 'final';

const specification: [error: keyof typeof errors, facts: Partial<RetryFacts>, verdict: Verdict][] = [
  // Not sent: always, for nothing.
  ['connect failed', {}, 'free'],
  ['connect failed', { attempts: 100 }, 'free'],
  ['connect failed', { chained: true }, 'free'],
  ['connect failed', { refusals: 5 }, 'free'],
  ['connect failed', { deadline: 1_000 }, 'deadline'],
  ['connection closing', {}, 'free'],
  // Refused: the first time for nothing, then within budget and attempts.
  ['refused', {}, 'free'],
  ['draining', {}, 'free'],
  ['draining', { chained: true }, 'free'],
  ['draining', { attempts: 3 }, 'free'],
  ['draining', { maxAttempts: 1 }, 'free'],
  ['draining', { refusals: 1 }, 'charged'],
  ['draining', { refusals: 1, chained: true }, 'charged'],
  ['draining', { refusals: 1, attempts: 3 }, 'attempts'],
  ['draining', { deadline: 1_000 }, 'deadline'],
  ['overloaded', {}, 'charged'],
  ['overloaded', { attempts: 3 }, 'attempts'],
  // Sent, no answer: only what may run twice.
  ['lost', {}, 'not-repeatable'],
  ['lost', { repeatable: true }, 'charged'],
  ['protocol broken', { repeatable: true }, 'charged'],
  ['lost', { repeatable: true, chained: true }, 'chain'],
  ['lost', { repeatable: true, attempts: 2 }, 'charged'],
  ['lost', { repeatable: true, attempts: 3 }, 'attempts'],
  ['lost', { repeatable: true, attempts: 9, maxAttempts: Infinity }, 'charged'],
  ['lost', { repeatable: true, attempts: 5, unsent: 3 }, 'charged'],
  ['lost', { repeatable: true, attempts: 6, unsent: 3 }, 'attempts'],
  ['lost', { repeatable: true, deadline: 1_000 }, 'deadline'],
  ['lost', { repeatable: true, connectionLosses: 1 }, 'charged'],
  ['lost', { repeatable: true, connectionLosses: 2 }, 'losses'],
  ['connect failed', { connectionLosses: 2 }, 'losses'],
  // Answered: never.
  ['not found', { repeatable: true }, 'answered'],
  ['answered unavailable', { repeatable: true }, 'answered'],
  ['thrown by the handler', { repeatable: true }, 'answered'],
  // Where no other node would do better.
  ['no nodes', {}, 'final'],
  ['too large', {}, 'final'],
  ['not writable', {}, 'final'],
  ['cancelled before', {}, 'final'],
  ['cancelled under way', { repeatable: true }, 'final'],
  ['out of time', {}, 'deadline'],
  ['out of time under way', { repeatable: true }, 'deadline'],
];

for (const [error, facts, verdict] of specification) {
  const given = Object.entries(facts).map(([name, value]) => `, ${name} ${value}`);
  test(`${error}${given.join('')} -> ${verdict}`, () => {
    let asked = 0;
    const withdraw = () => ++asked > 0;
    const decision = decideRetry({ ...usual, ...facts, error: errors[error] }, withdraw, seeded(1));
    assert.equal(decision.again ? (decision.charged ? 'charged' : 'free') : decision.because, verdict);
    assert.equal(asked, verdict === 'charged' ? 1 : 0, 'the budget is asked for what is charged, and for nothing else');
  });
}

test('an empty budget ends what is charged, and nothing else', () => {
  const empty = () => false;
  const decide = (error: keyof typeof errors) =>
    decideRetry({ ...usual, repeatable: true, error: errors[error] }, empty, seeded(1));
  assert.deepEqual(decide('lost'), { again: false, because: 'budget' });
  assert.deepEqual(decide('overloaded'), { again: false, because: 'budget' });
  assert.deepEqual(decide('connect failed'), { again: true, charged: false, after: 0 });
  assert.deepEqual(decide('draining'), { again: true, charged: false, after: 0 });
});

const pauses: [attempts: number, from: number, to: number][] = [
  [1, 25, 50],
  [2, 25, 100],
  [3, 25, 100],
  [50, 25, 100],
];

for (const [attempts, from, to] of pauses) {
  test(`all nodes tried, ${attempts} attempts made: a pause of ${from}..${to} ms`, () => {
    const after = (random: number) => {
      const facts = { ...usual, error: errors['connect failed'], attempts, untried: false };
      const decision = decideRetry(
        facts,
        () => true,
        () => random,
      );
      return decision.again ? decision.after : undefined;
    };
    assert.equal(after(0), from);
    assert.equal(after(1), to);
  });
}

test('a pause that outlasts the deadline is not begun, nor paid for', () => {
  const facts = { ...usual, error: errors.lost, repeatable: true, untried: false, deadline: usual.now + 25 };
  const withdraw = () => assert.fail('the budget must not be asked');
  assert.deepEqual(
    decideRetry(facts, withdraw, () => 0),
    { again: false, because: 'deadline' },
  );
});

test('when all nodes were tried, the pause is at least what the server asked for', () => {
  const error = errors.overloaded.with({ retryAfter: 700 });
  const after = (untried: boolean) => {
    const decision = decideRetry({ ...usual, error, untried }, () => true, seeded(1));
    return decision.again ? decision.after : undefined;
  };
  assert.equal(after(false), 700);
  assert.equal(after(true), 0, 'another node has not asked for anything');
});

test('a server puts a retry off by 2 s at most; one that the deadline does not allow is not waited for, nor paid for', () => {
  const decide = (retryAfter: number, left: number) => {
    const error = errors.overloaded.with({ retryAfter });
    const facts = { ...usual, error, untried: false, deadline: usual.now + left };
    return decideRetry(facts, () => left > 2_000 || assert.fail('the budget must not be asked'), seeded(1));
  };
  assert.deepEqual(decide(3_600_000, 5_000), { again: true, charged: true, after: 2_000 });
  assert.deepEqual(decide(3_600_000, 2_000), { again: false, because: 'deadline' });
  assert.deepEqual(decide(700, 700), { again: false, because: 'deadline' });
});

test('whatever happens: no answer is overridden, nothing runs twice unasked, none starts after the deadline', () => {
  const facts: fc.Arbitrary<RetryFacts> = fc.record({
    error: fc
      .tuple(
        fc.constantFrom(...codes),
        fc.constantFrom<Stage>('unsent', 'refused', 'sent', 'answered'),
        fc.constantFrom<(Reason | undefined)[]>(undefined, 'OVERLOADED', 'DRAINING', 'CONNECTION_LOST', 'UNHANDLED'),
      )
      .map(([code, stage, reason]) => failure(code, stage, reason)),
    attempts: fc.nat(8),
    maxAttempts: fc.integer({ min: 1, max: 5 }),
    repeatable: fc.boolean(),
    chained: fc.boolean(),
    connectionLosses: fc.nat(3),
    refusals: fc.nat(2),
    now: fc.nat(200),
    deadline: fc.nat(400),
    untried: fc.boolean(),
  });
  fc.assert(
    fc.property(facts, fc.boolean(), fc.nat(), (given, budget, seed) => {
      const decision = decideRetry(given, () => budget, seeded(seed));
      if (!decision.again) return;
      const { stage, code } = given.error;
      assert.ok(stage !== 'answered' && code !== 'CANCELLED');
      assert.ok(stage !== 'sent' || (given.repeatable && !given.chained && decision.charged));
      assert.ok(budget || !decision.charged);
      assert.ok(given.now + decision.after < given.deadline);
      assert.ok(given.untried ? decision.after === 0 : decision.after >= 25 && decision.after <= 100);
    }),
    { numRuns: 1_000 },
  );
});
