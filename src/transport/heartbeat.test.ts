import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoppableClock } from '../../test/support/transport.ts';
import { Heartbeat, type HeartbeatOptions, heartbeatDefaults } from './heartbeat.ts';

/** A heartbeat whose peer answers `delay` ms after it was asked; never, if that is `undefined`. */
function beating(delay: number | undefined, options: HeartbeatOptions = heartbeatDefaults, canAsk = () => true) {
  const clock = new StoppableClock();
  const pings: number[] = [];
  const deaths: { at: number; silentFor: number }[] = [];
  let sign = 0;
  let looks = 0;
  const heartbeat = new Heartbeat(clock, options, {
    look: () => void looks++,
    lastSign: () => sign,
    ping() {
      if (!canAsk()) return false;
      pings.push(clock.now());
      if (delay !== undefined) {
        clock.timer(delay, () => {
          sign = clock.now();
        });
      }
      return true;
    },
    onDead(silentFor) {
      deaths.push({ at: clock.now(), silentFor });
      heartbeat.stop();
    },
  });
  const hear = () => {
    sign = clock.now();
  };
  return { clock, heartbeat, pings, deaths, hear, looks: () => looks };
}

test('a peer that answers is asked after each second of silence, and lives', () => {
  for (const delay of [0, 1, 100, 1_900]) {
    const { clock, pings, deaths, heartbeat } = beating(delay);
    clock.advance(60_000);
    assert.deepEqual(deaths, [], `${delay}`);
    assert.ok(pings.length >= 15 && pings.length <= 60, `${pings.length} pings with ${delay} ms to answer`);
    heartbeat.stop();
  }
});

test('a peer that does not answer is dead after three seconds, give or take a quarter', () => {
  const { clock, pings, deaths } = beating(undefined);
  clock.advance(60_000);
  assert.deepEqual(pings, [1_000]);
  assert.deepEqual(deaths, [{ at: 3_000, silentFor: 3_000 }]);
  assert.equal(clock.pending, 0);
});

test('a peer that says something is not asked', () => {
  const { clock, pings, hear } = beating(undefined);
  for (let i = 0; i < 20; i++) {
    clock.advance(900);
    hear();
  }
  assert.deepEqual(pings, []);
});

test('it is overdue from one more interval on, until the peer is heard', () => {
  const { clock, heartbeat, hear } = beating(undefined);
  clock.advance(2_000);
  assert.equal(heartbeat.overdue, false);
  clock.advance(1);
  assert.equal(heartbeat.overdue, true);
  hear();
  assert.equal(heartbeat.overdue, false);
});

test('a peer that cannot be asked is not late, however long it is silent', () => {
  let canAsk = false;
  const { clock, deaths, heartbeat } = beating(undefined, heartbeatDefaults, () => canAsk);
  clock.advance(60_000);
  assert.deepEqual([deaths, heartbeat.overdue], [[], false]);
  canAsk = true;
  clock.advance(2_250);
  assert.equal(deaths.length, 1);
});

test('a process that was stopped gives the peer its time again', () => {
  const { clock, deaths } = beating(undefined);
  clock.advance(1_500);
  clock.stop(30_000);
  clock.advance(1_900);
  assert.deepEqual(deaths, [], 'asked before, stopped meanwhile');
  clock.advance(500);
  assert.equal(deaths.length, 1);
});

test('a process stopped again and again for less than an interval still finds the dead', () => {
  const { clock, deaths } = beating(undefined);
  for (let i = 0; i < 6; i++) {
    clock.stop(600);
    clock.advance(250);
  }
  assert.equal(deaths.length, 1);
});

test('the intervals are the ones asked for', () => {
  const { clock, pings, deaths } = beating(undefined, { pingAfter: 100, deadAfter: 150 });
  clock.advance(1_000);
  assert.equal(pings.length, 1);
  assert.ok(pings[0]! >= 100 && pings[0]! <= 112.5, `${pings[0]}`);
  assert.ok(deaths[0]!.at >= 150 && deaths[0]!.at <= 175, `${deaths[0]!.at}`);
});

test('once stopped it asks no more', () => {
  const { clock, heartbeat, pings, looks } = beating(undefined);
  heartbeat.stop();
  clock.advance(10_000);
  assert.deepEqual([pings.length, looks(), clock.pending], [0, 0, 0]);
});
