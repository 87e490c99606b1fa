import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Registration } from './registration.ts';

it('a registration says when a server was there first, and from when on it was not there any more', () => {
  const registration = new Registration();
  const seen = (there: boolean, now: number) => {
    registration.see(there, now);
    return [registration.since, registration.until];
  };
  assert.deepEqual(seen(false, 1), [undefined, undefined], 'it is still to come');
  assert.deepEqual(seen(true, 2), [2, undefined]);
  assert.deepEqual(seen(true, 3), [2, undefined]);
  assert.deepEqual(seen(false, 4), [2, 4]);
  assert.deepEqual(seen(false, 5), [2, 4]);
  assert.deepEqual(seen(true, 6), [2, undefined], 'it is back');
  assert.deepEqual(seen(false, 7), [2, 7]);
});
