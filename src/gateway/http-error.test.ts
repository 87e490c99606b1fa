import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codes } from '../core/code.ts';
import { RpcError } from '../core/error.ts';
import { errorBody, httpStatus, rawErrorAnswer } from './http-error.ts';

test("every code has Connect's HTTP status", () => {
  assert.deepEqual(
    codes.map((code) => [code, httpStatus(code)]),
    [
      ['CANCELLED', 499],
      ['UNKNOWN', 500],
      ['INVALID_ARGUMENT', 400],
      ['DEADLINE_EXCEEDED', 504],
      ['NOT_FOUND', 404],
      ['ALREADY_EXISTS', 409],
      ['PERMISSION_DENIED', 403],
      ['RESOURCE_EXHAUSTED', 429],
      ['FAILED_PRECONDITION', 400],
      ['ABORTED', 409],
      ['OUT_OF_RANGE', 400],
      ['UNIMPLEMENTED', 501],
      ['INTERNAL', 500],
      ['UNAVAILABLE', 503],
      ['DATA_LOSS', 500],
      ['UNAUTHENTICATED', 401],
    ],
  );
});

test('the body tells all that the caller may know, and no cause', () => {
  const attempts = [{ node: 'n1', outcome: 'UNAVAILABLE/CONNECTION_LOST', duration: 3 }];
  const error = new RpcError('UNAVAILABLE', 'lost', {
    reason: 'CONNECTION_LOST',
    stage: 'sent',
    attempts,
    cause: 'secret',
  });
  assert.deepEqual(JSON.parse(errorBody(error)), {
    error: { code: 'UNAVAILABLE', reason: 'CONNECTION_LOST', message: 'lost', mayHaveExecuted: true, attempts },
  });
  assert.deepEqual(JSON.parse(errorBody(new RpcError('ABORTED', ''))), {
    error: { code: 'ABORTED', reason: null, message: '', mayHaveExecuted: false, attempts: [] },
  });
});

test('a raw answer has the length of its bytes', () => {
  const [head, body] = rawErrorAnswer(400, 'Bad Request', new RpcError('INVALID_ARGUMENT', 'größer')).split('\r\n\r\n');
  assert.match(head!, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(head!, new RegExp(`\r\nContent-Length: ${Buffer.byteLength(body!)}\r\n`));
  assert.match(head!, /\r\nConnection: close$/);
});
