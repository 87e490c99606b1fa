import assert from 'node:assert/strict';
import { it } from 'node:test';
import { endpoint } from '../core/endpoint.ts';
import { seeded } from '../core/random.ts';
import type { View } from './registry.ts';
import { endpointsOf, replay, type Steady, steady } from './steady.ts';

const a = endpoint({ host: 'a', port: 1 });
const b = endpoint({ host: 'b', port: 1 });
const cause = new Error('away');
const fold = (...views: View[]): Steady => views.reduce(steady, { state: 'pending' });

it('a failure keeps the last good view', () => {
  assert.deepEqual(fold({ state: 'known', endpoints: [a, b] }, { state: 'failed', cause }), {
    state: 'stale',
    endpoints: [a, b],
    cause,
  });
});

it('a second failure and a pending keep it too', () => {
  const other = new Error('still away');
  const now = fold(
    { state: 'known', endpoints: [a] },
    { state: 'failed', cause },
    { state: 'failed', cause: other },
    { state: 'pending' },
  );
  assert.deepEqual(now, { state: 'stale', endpoints: [a], cause: other });
});

it('nothing known is not known to be empty', () => {
  assert.equal(endpointsOf(fold({ state: 'pending' }, { state: 'failed', cause })), undefined);
  assert.deepEqual(endpointsOf(fold({ state: 'known', endpoints: [] })), []);
});

it('an answer ends a failure', () => {
  assert.deepEqual(fold({ state: 'failed', cause }, { state: 'known', endpoints: [b] }), {
    state: 'known',
    endpoints: [b],
  });
});

it('never goes from known to empty without an answer that says so, and replays to the same', () => {
  const random = seeded(7);
  const all: View[] = [
    { state: 'pending' },
    { state: 'failed', cause },
    { state: 'known', endpoints: [a] },
    { state: 'known', endpoints: [] },
  ];
  let now: Steady = { state: 'pending' };
  for (let i = 0; i < 2_000; i++) {
    const view = all[Math.floor(random() * all.length)]!;
    const next = steady(now, view);
    if (view.state !== 'known') assert.deepEqual(endpointsOf(next), endpointsOf(now));
    assert.deepEqual(fold(...replay(next)), next);
    now = next;
  }
});
