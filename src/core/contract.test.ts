import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIdempotent, method, service } from './contract.ts';

test('names that a client has for itself, and that every object has, are no method names', () => {
  for (const name of ['then', 'close', 'nodes', 'on', 'health', 'constructor', 'toString', 'hasOwnProperty'])
    assert.throws(() => service('s', { [name]: method() }), {
      name: 'TypeError',
      message: new RegExp(`"${name}".*reserved`),
    });
});

test('names are letters, digits, dots, underscores and hyphens, begin with a letter and have 64 of them at most', () => {
  for (const name of ['', '1a', '_a', '__proto__', 'a/b', 'a b', 'ä', `a${'b'.repeat(64)}`]) {
    assert.throws(() => service('s', Object.fromEntries([[name, method()]])), TypeError, `method "${name}"`);
    assert.throws(() => service(name, {}), TypeError, `service "${name}"`);
  }
  for (const name of ['a', 'A1', 'a.b-c_d', `a${'b'.repeat(63)}`]) {
    assert.ok(Object.hasOwn(service('s', { [name]: method() }).methods, name));
    assert.equal(service(name, {}).name, name);
  }
});

test('a method is not idempotent unless it says so; what is not known is not; health always is', () => {
  const contract = service('s', { read: method({ idempotent: true }), write: method(), other: method({}) });
  assert.equal(isIdempotent(contract, 'read'), true);
  assert.equal(isIdempotent(contract, 'write'), false);
  assert.equal(isIdempotent(contract, 'other'), false);
  assert.equal(isIdempotent(contract, 'toString'), false);
  assert.equal(isIdempotent(contract, 'missing'), false);
  assert.equal(isIdempotent(contract, 'health'), true);
});
