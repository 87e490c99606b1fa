import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watched } from '../../test/support/transport.ts';
import { VirtualClock } from '../core/virtual-clock.ts';
import { Closing } from './closing.ts';

function scene(inFlight: number) {
  const clock = new VirtualClock();
  const did: string[] = [];
  const connection = { inFlight, end: () => void did.push('end'), destroy: () => void did.push('destroy') };
  return { clock, did, connection, closing: new Closing(clock, connection) };
}

test('with nothing in flight it ends at once, and is closed when the connection is gone', async () => {
  const { clock, did, closing } = scene(0);
  const closed = watched(closing.begin(5_000));
  await clock.run(10_000);
  assert.deepEqual([did, closed.state], [['end'], 'pending']);
  closing.onGone();
  await clock.run(0);
  assert.deepEqual([closed.state, clock.pending], ['fulfilled', 0]);
});

test('it ends with the last answer', () => {
  const { clock, did, connection, closing } = scene(2);
  closing.onAnswer();
  void closing.begin(5_000);
  connection.inFlight = 1;
  closing.onAnswer();
  assert.deepEqual(did, []);
  connection.inFlight = 0;
  closing.onAnswer();
  assert.deepEqual(did, ['end']);
  closing.onGone();
  clock.advance(10_000);
  assert.deepEqual(did, ['end']);
});

test('answers before it began end nothing', () => {
  const { did, closing } = scene(0);
  closing.onAnswer();
  closing.onGone();
  assert.deepEqual(did, []);
});

test('after its grace it is cut, the shortest of several', () => {
  const { clock, did, closing } = scene(1);
  void closing.begin(5_000);
  void closing.begin(100);
  clock.advance(99);
  assert.deepEqual(did, []);
  clock.advance(1);
  assert.deepEqual(did, ['destroy']);
});
