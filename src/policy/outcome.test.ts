import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Code, Reason } from '../core/code.ts';
import { RpcError, type Stage } from '../core/error.ts';
import { type AttemptFacts, type FaultCause, outcomeOf } from './outcome.ts';

const usual: AttemptFacts = { waited: 3, heartbeatOverdue: false, timeout: 5_000 };

function failure(code: Code, stage: Stage, reason?: Reason): RpcError {
  return new RpcError(code, 'it failed', { stage, reason });
}

test('no error is a success', () => {
  assert.deepEqual(outcomeOf(undefined, usual), { kind: 'success' });
});

const verdicts: [Code, Reason | undefined, Stage, 'success' | 'neutral' | FaultCause, why: string][] = [
  ['NOT_FOUND', undefined, 'answered', 'success', 'a handler threw an RpcError: an answer'],
  ['INTERNAL', undefined, 'answered', 'success', 'a handler may choose any code'],
  ['UNAVAILABLE', undefined, 'answered', 'success', 'a handler may choose any code'],
  ['DEADLINE_EXCEEDED', undefined, 'answered', 'success', 'the server said so: an answer'],
  ['INTERNAL', 'UNHANDLED', 'answered', 'unhandled', 'a handler that throws at once must not attract traffic'],
  ['RESOURCE_EXHAUSTED', 'OVERLOADED', 'refused', 'overload', 'the admission is full'],
  ['RESOURCE_EXHAUSTED', 'OVERLOADED', 'answered', 'overload', 'a handler sheds load itself'],
  ['RESOURCE_EXHAUSTED', 'TOO_LARGE', 'unsent', 'neutral', 'the message is at fault'],
  ['UNAVAILABLE', 'CONNECTION_LOST', 'sent', 'lost', 'the connection ended under the call'],
  ['UNAVAILABLE', 'CONNECTION_LOST', 'unsent', 'neutral', 'the connection was already closing'],
  ['UNAVAILABLE', 'CONNECTION_LOST', 'answered', 'success', 'a handler passes on what befell a call of its own'],
  ['UNAVAILABLE', 'CONNECT_FAILED', 'unsent', 'refused', 'nobody listens there'],
  ['UNAVAILABLE', 'CONNECT_FAILED', 'answered', 'success', 'a handler passes on what befell a call of its own'],
  ['INTERNAL', 'PROTOCOL', 'sent', 'internal', 'the server broke the protocol'],
  ['INTERNAL', 'PROTOCOL', 'answered', 'internal', 'the answer cannot be read'],
  ['INTERNAL', undefined, 'sent', 'internal', 'no handler said this: the framework did'],
  ['UNAVAILABLE', 'DRAINING', 'refused', 'neutral', 'going away is no fault'],
  ['UNAVAILABLE', 'REFUSED', 'refused', 'neutral', 'neither is a full connection'],
  ['UNAVAILABLE', 'DRAINING', 'answered', 'success', 'a handler passes on what befell a call of its own'],
  ['UNAVAILABLE', 'NO_NODES', 'unsent', 'neutral', 'it was on no node'],
  ['CANCELLED', undefined, 'sent', 'neutral', 'the caller lost interest, or the other hedge won'],
  ['CANCELLED', undefined, 'unsent', 'neutral', 'the same, earlier'],
];

for (const [code, reason, stage, verdict, why] of verdicts) {
  test(`${code}${reason === undefined ? '' : `/${reason}`}, ${stage} -> ${verdict}: ${why}`, () => {
    const outcome = outcomeOf(failure(code, stage, reason), usual);
    assert.equal(outcome.kind === 'fault' ? outcome.cause : outcome.kind, verdict);
  });
}

const silences: [AttemptFacts, 'timeout' | 'neutral', why: string][] = [
  [{ timeout: 5_000, waited: 5_000, heartbeatOverdue: false }, 'timeout', 'the whole deadline is gone at this node'],
  [{ timeout: 5_000, waited: 4_991, heartbeatOverdue: false }, 'timeout', 'timers are 10 ms wide'],
  [{ timeout: 5_000, waited: 400, heartbeatOverdue: false }, 'neutral', 'the deadline was used up elsewhere'],
  [{ timeout: 5_000, waited: 400, heartbeatOverdue: true }, 'timeout', 'the node owes a sign of life'],
  [{ timeout: 100, waited: 100, heartbeatOverdue: false }, 'timeout', 'the shortest deadline that tells'],
  [{ timeout: 99, waited: 99, heartbeatOverdue: false }, 'neutral', 'a tiny deadline tells of the caller'],
  [{ timeout: 5, waited: 5, heartbeatOverdue: true }, 'timeout', 'a heartbeat overdue tells even then'],
];

for (const [facts, verdict, why] of silences) {
  test(`silent for ${facts.waited} of ${facts.timeout} ms -> ${verdict}: ${why}`, () => {
    const outcome = outcomeOf(failure('DEADLINE_EXCEEDED', 'sent'), facts);
    assert.equal(outcome.kind === 'fault' ? outcome.cause : outcome.kind, verdict);
  });
}

test('a deadline that passed before sending says nothing, however long it was', () => {
  const facts = { waited: 5_000, timeout: 5_000, heartbeatOverdue: true };
  assert.deepEqual(outcomeOf(failure('DEADLINE_EXCEEDED', 'unsent'), facts), { kind: 'neutral' });
});
