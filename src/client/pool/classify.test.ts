import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyByCode, type ErrorKind } from './classify.ts';

const coded = (code: string, cause?: unknown) => Object.assign(new Error('failed', { cause }), { code });

const cases: [what: string, error: unknown, kind: ErrorKind][] = [
  ['a refused connection', coded('ECONNREFUSED'), 'unsent'],
  ['a name that cannot be resolved', coded('ENOTFOUND'), 'unsent'],
  ['a reset', coded('ECONNRESET'), 'lost'],
  ['a broken pipe', coded('EPIPE'), 'lost'],
  [
    "fetch's error, with the reason as its cause",
    new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }),
    'unsent',
  ],
  ['one that knows better than its cause', coded('ECONNRESET', coded('ECONNREFUSED')), 'lost'],
  ['a word of the node', new Error('WRONGTYPE'), 'answer'],
  ['a code of somebody else', coded('ER_DUP_ENTRY'), 'answer'],
  ['a text', 'no', 'answer'],
  ['nothing', undefined, 'answer'],
];

for (const [what, error, kind] of cases) test(`${what} is ${kind}`, () => assert.equal(classifyByCode(error), kind));

test('errors that are causes of each other are looked into for so long and no longer', () => {
  const one = new Error('one');
  const other = new Error('other', { cause: one });
  one.cause = other;
  assert.equal(classifyByCode(one), 'answer');
});
