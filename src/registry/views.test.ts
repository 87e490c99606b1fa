import assert from 'node:assert/strict';
import { it } from 'node:test';
import { endpoint } from '../core/endpoint.ts';
import type { View } from './registry.ts';
import { Views } from './views.ts';

const known = (...hosts: string[]): View => ({
  state: 'known',
  endpoints: hosts.map((host) => endpoint({ host, port: 1 })),
});
const cause = new Error('away');
const failed: View = { state: 'failed', cause };

it('begins with what is known now', async () => {
  const views = new Views();
  const reader = views.watch(new AbortController().signal);
  assert.deepEqual((await reader.next()).value, { state: 'pending' });
  views.push(known('a'));
  assert.deepEqual((await views.watch(new AbortController().signal).next()).value, known('a'));
});

it('gives a slow reader the newest view only', async () => {
  const views = new Views();
  const reader = views.watch(new AbortController().signal);
  await reader.next();
  for (const host of ['a', 'b', 'c']) views.push(known(host));
  assert.deepEqual((await reader.next()).value, known('c'));
  const next = reader.next();
  views.push(known('d'));
  assert.deepEqual((await next).value, known('d'));
});

it('never lets a failure hide what a slow reader has not seen', async () => {
  const views = new Views();
  const reader = views.watch(new AbortController().signal);
  await reader.next();
  views.push(known('a'));
  views.push(known('b'));
  views.push(failed);
  views.push({ state: 'failed', cause: new Error('still away') });
  assert.deepEqual((await reader.next()).value, known('b'));
  assert.equal(((await reader.next()).value as { cause: Error }).cause.message, 'still away');

  const newcomer = views.watch(new AbortController().signal);
  assert.deepEqual((await newcomer.next()).value, known('b'));
  assert.equal((await newcomer.next()).value?.state, 'failed');
});

it('does not tell the same failure twice', async () => {
  const views = new Views();
  const reader = views.watch(new AbortController().signal);
  views.push(failed);
  await reader.next();
  views.push({ state: 'failed', cause: new Error('away') });
  views.push(known('a'));
  assert.deepEqual((await reader.next()).value, known('a'));
});

it('ends without an error when aborted, before and while it waits', async () => {
  const views = new Views();
  assert.equal((await views.watch(AbortSignal.abort()).next()).done, true);
  const stop = new AbortController();
  const reader = views.watch(stop.signal);
  await reader.next();
  const next = reader.next();
  stop.abort();
  assert.equal((await next).done, true);
});

it('ends when closed, also for those who come later', async () => {
  const views = new Views();
  const reader = views.watch(new AbortController().signal);
  await reader.next();
  const next = reader.next();
  views.close();
  assert.equal((await next).done, true);
  assert.equal((await views.watch(new AbortController().signal).next()).done, true);
});
