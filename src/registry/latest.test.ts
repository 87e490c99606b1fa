import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Latest } from './latest.ts';

const reading = (latest: Latest<unknown>, signal = new AbortController().signal) => latest.watch(signal);

it('begins with the newest value, or waits for the first', async () => {
  const latest = new Latest<unknown>();
  const early = reading(latest).next();
  latest.push(undefined);
  latest.push(2);
  assert.deepEqual((await early).value, 2);
  assert.deepEqual((await reading(latest).next()).value, 2);
});

it('takes undefined for a value', async () => {
  const latest = new Latest<unknown>();
  latest.push(undefined);
  assert.deepEqual(await reading(latest).next(), { value: undefined, done: false });
});

it('gives a slow reader the newest only, and each reader his own', async () => {
  const latest = new Latest<unknown>();
  const [slow, fast] = [reading(latest), reading(latest)];
  latest.push(1);
  assert.equal((await slow.next()).value, 1);
  for (const value of [2, 3]) {
    latest.push(value);
    assert.equal((await fast.next()).value, value);
  }
  assert.equal((await slow.next()).value, 3);
});

it('does not tell the same again', async () => {
  const latest = new Latest<unknown>();
  const reader = reading(latest);
  latest.push({ a: [1] });
  await reader.next();
  latest.push({ a: [1] });
  const next = reader.next();
  latest.push({ a: [2] });
  assert.deepEqual((await next).value, { a: [2] });
});

it('ends without an error when aborted or closed, before and while it waits', async () => {
  const latest = new Latest<unknown>();
  latest.push(1);
  assert.equal((await reading(latest, AbortSignal.abort()).next()).done, true);
  const stop = new AbortController();
  const [aborted, closed] = [reading(latest, stop.signal), reading(latest)];
  await aborted.next();
  await closed.next();
  const ends = [aborted.next(), closed.next()];
  stop.abort();
  assert.equal((await ends[0]!).done, true);
  latest.close();
  assert.equal((await ends[1]!).done, true);
  assert.equal((await reading(latest).next()).done, true);
});
