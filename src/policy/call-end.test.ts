import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Code, Reason } from '../core/code.ts';
import { RpcError, type Stage } from '../core/error.ts';
import { type CallEnd, callEnd, mayFallBack } from './call-end.ts';

interface Facts {
  waited?: number;
  timeout?: number;
  givenUp?: boolean;
}

type Row = [code: Code, stage: Stage, reason: Reason | undefined, facts: Facts, end: CallEnd, fallback: boolean];

const specification: Row[] = [
  // The service is to blame.
  ['UNAVAILABLE', 'sent', 'CONNECTION_LOST', {}, 'failed', true],
  ['UNAVAILABLE', 'unsent', 'CONNECT_FAILED', {}, 'failed', true],
  ['UNAVAILABLE', 'refused', 'DRAINING', {}, 'failed', true],
  ['UNAVAILABLE', 'refused', 'REFUSED', {}, 'failed', true],
  ['RESOURCE_EXHAUSTED', 'refused', 'OVERLOADED', {}, 'failed', true],
  ['RESOURCE_EXHAUSTED', 'answered', 'OVERLOADED', {}, 'failed', true],
  ['INTERNAL', 'answered', 'UNHANDLED', {}, 'failed', true],
  ['INTERNAL', 'sent', 'PROTOCOL', {}, 'failed', true],
  ['INTERNAL', 'answered', 'PROTOCOL', {}, 'failed', true],
  ['INTERNAL', 'sent', undefined, {}, 'failed', true],
  // Silence to the end of a deadline that tells, whoever notices it first.
  ['DEADLINE_EXCEEDED', 'sent', undefined, { waited: 5_000 }, 'failed', true],
  ['DEADLINE_EXCEEDED', 'answered', undefined, { waited: 4_990 }, 'failed', true],
  ['DEADLINE_EXCEEDED', 'sent', undefined, { waited: 100, timeout: 100 }, 'failed', true],
  ['DEADLINE_EXCEEDED', 'sent', undefined, { waited: 99, timeout: 99 }, 'unknown', true],
  // No server: unless the caller left no time to wait for one.
  ['UNAVAILABLE', 'unsent', 'NO_NODES', {}, 'unreachable', true],
  ['UNAVAILABLE', 'unsent', 'NO_NODES', { timeout: 99 }, 'unknown', true],
  // Answers, whatever they say. Where they say that the service is not well, a fallback may still stand in for them.
  ['NOT_FOUND', 'answered', undefined, {}, 'answered', false],
  ['INVALID_ARGUMENT', 'answered', undefined, {}, 'answered', false],
  ['PERMISSION_DENIED', 'answered', undefined, {}, 'answered', false],
  ['UNIMPLEMENTED', 'answered', undefined, {}, 'answered', false],
  ['RESOURCE_EXHAUSTED', 'answered', undefined, {}, 'answered', false],
  ['RESOURCE_EXHAUSTED', 'answered', 'TOO_LARGE', {}, 'answered', false],
  ['UNAVAILABLE', 'answered', undefined, {}, 'answered', true],
  ['UNAVAILABLE', 'answered', 'NO_NODES', {}, 'answered', true],
  ['UNAVAILABLE', 'answered', 'CONNECTION_LOST', {}, 'answered', true],
  ['INTERNAL', 'answered', undefined, {}, 'answered', true],
  ['DEADLINE_EXCEEDED', 'answered', undefined, { waited: 1_000 }, 'answered', true],
  // Nothing to do with the service.
  ['INVALID_ARGUMENT', 'unsent', undefined, {}, 'unknown', false],
  ['RESOURCE_EXHAUSTED', 'unsent', 'TOO_LARGE', {}, 'unknown', false],
  ['CANCELLED', 'sent', undefined, { givenUp: true }, 'unknown', false],
  ['UNAVAILABLE', 'sent', undefined, { givenUp: true }, 'unknown', false],
  ['DEADLINE_EXCEEDED', 'sent', undefined, { waited: 5_000, givenUp: true }, 'unknown', false],
  ['INTERNAL', 'answered', 'UNHANDLED', { givenUp: true }, 'unknown', false],
];

for (const [code, stage, reason, facts, end, fallback] of specification) {
  const { waited = 5, timeout = 5_000, givenUp = false } = facts;
  const given = `${code}${reason === undefined ? '' : `/${reason}`}, ${stage}${Object.entries(facts).map(([name, value]) => `, ${name} ${value}`)}`;
  test(`${given} -> ${end}, ${fallback ? 'a' : 'no'} fallback`, () => {
    const error = new RpcError(code, 'it failed', { stage, reason });
    assert.equal(callEnd(error, { waited, timeout, givenUp }), end);
    assert.equal(mayFallBack(error, givenUp), fallback);
  });
}
