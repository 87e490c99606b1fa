import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from './wait-for.ts';

test('asks until the answer is yes', async () => {
  let asked = 0;
  await waitFor(() => ++asked === 3, { what: 'the third time', deadline: 30_000 });
  assert.equal(asked, 3);
});

test('gives up with a sentence that says for what, and where to look', async () => {
  const wait = { what: 'the moon', deadline: 0, details: () => '; look up' };
  await assert.rejects(
    waitFor(() => false, wait),
    { message: 'waited 0 s in vain for the moon; look up' },
  );
});

test('does not ask again when the question fails', async () => {
  let asked = 0;
  const ask = () => {
    asked++;
    throw new Error('it has ended');
  };
  await assert.rejects(waitFor(ask, { what: 'it', deadline: 30_000 }), { message: 'it has ended' });
  assert.equal(asked, 1);
});
