import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoppableClock } from '../../test/support/transport.ts';
import { seeded } from '../core/random.ts';
import { Heartbeat, type HeartbeatOptions, heartbeatDefaults } from './heartbeat.ts';

/** Asks for no load. */
const lifeOnly: HeartbeatOptions = { ...heartbeatDefaults, loadEvery: 0 };

/** A heartbeat whose peer answers `delay` ms after it was asked; never, if that is `undefined`. */
function beating(delay: number | undefined, options: HeartbeatOptions = lifeOnly, canAsk = () => true) {
  const clock = new StoppableClock();
  const pings: number[] = [];
  const loads: number[] = [];
  const deaths: { at: number; silentFor: number }[] = [];
  let sign = 0;
  let looks = 0;
  const ask = (asked: number[]) => {
    if (!canAsk()) return false;
    asked.push(clock.now());
    if (delay !== undefined) clock.timer(delay, hear);
    return true;
  };
  const hear = () => {
    sign = clock.now();
  };
  const heartbeat = new Heartbeat(clock, seeded(7), options, {
    look: () => void looks++,
    lastSign: () => sign,
    ping: () => ask(pings),
    askLoad: () => ask(loads),
    onDead(silentFor) {
      deaths.push({ at: clock.now(), silentFor });
      heartbeat.stop();
    },
  });
  return { clock, heartbeat, pings, loads, deaths, hear, looks: () => looks };
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
  const { clock, deaths, heartbeat } = beating(undefined, lifeOnly, () => canAsk);
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
  const { clock, pings, deaths } = beating(undefined, { pingAfter: 100, deadAfter: 150, loadEvery: 0 });
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

/** Lets a peer talk, and not answer, for so long. */
function talk({ clock, hear }: Pick<ReturnType<typeof beating>, 'clock' | 'hear'>, ms: number, pause = 50): void {
  for (let passed = 0; passed < ms; passed += pause) {
    clock.advance(pause);
    hear();
  }
}

const gaps = (times: number[]) => times.slice(1).map((time, i) => time - times[i]!);

test('a peer that talks is asked for its load every interval, give or take a fifth', () => {
  for (const loadEvery of [100, 1_000, 5_000]) {
    const it = beating(undefined, { ...heartbeatDefaults, loadEvery });
    talk(it, 60_000, 20);
    assert.deepEqual([it.pings, it.deaths], [[], []]);
    assert.ok(it.loads[0]! <= 1.25 * loadEvery, `first asked after ${it.loads[0]} ms`);
    for (const gap of gaps(it.loads)) {
      assert.ok(gap >= 0.8 * loadEvery && gap <= 1.25 * loadEvery, `${gap} of ${loadEvery}`);
    }
    assert.ok(new Set(gaps(it.loads)).size > 1, 'clients that came together do not stay in step');
  }
});

test('clients that come together ask for the load at different times from the start', () => {
  const firsts = Array.from({ length: 20 }, (_, seed) => {
    const it = { asked: 0, clock: new StoppableClock() };
    const events = { look() {}, lastSign: () => it.clock.now(), ping: () => false, onDead() {} };
    const askLoad = () => {
      it.asked ||= it.clock.now();
      return true;
    };
    new Heartbeat(it.clock, seeded(seed), heartbeatDefaults, { ...events, askLoad });
    it.clock.advance(2_000);
    return it.asked;
  });
  assert.deepEqual(
    [...new Set(firsts)].sort((a, b) => a - b),
    [250, 500, 750, 1_000],
  );
});

test('0 asks for no load', () => {
  const it = beating(undefined);
  talk(it, 60_000);
  assert.deepEqual(it.loads, []);
});

test('a peer that has nothing to say is asked no more often for its load', () => {
  const { clock, pings, loads, heartbeat } = beating(100, heartbeatDefaults);
  clock.advance(60_000);
  heartbeat.stop();
  const asked = [...pings, ...loads].sort((a, b) => a - b);
  for (const gap of gaps(asked)) assert.ok(gap >= 750 && gap <= 1_500, `${gap}`);
});

test('the question for load that has no answer is no sign of death, nor overdue, while the peer talks', () => {
  const it = beating(undefined, heartbeatDefaults);
  talk(it, 60_000);
  assert.ok(it.loads.length >= 40);
  assert.deepEqual([it.deaths, it.heartbeat.overdue], [[], false]);
});

test('and it makes silence neither longer nor shorter', () => {
  for (const loadEvery of [0, 100, 1_000]) {
    const it = beating(undefined, { ...heartbeatDefaults, loadEvery });
    talk(it, 10_000);
    const heard = it.clock.now();
    it.clock.advance(10_000);
    assert.equal(it.deaths.length, 1);
    const { at, silentFor } = it.deaths[0]!;
    assert.ok(at - heard >= 3_000 && at - heard <= 3_500, `${at - heard} with ${loadEvery}`);
    assert.ok(silentFor >= 3_000);
    assert.ok(it.pings[0]! - heard >= 1_000 && it.pings[0]! - heard <= 1_250);
  }
});

test('a peer that cannot be asked for its load now is asked as soon as it can be', () => {
  let canAsk = false;
  const it = beating(undefined, heartbeatDefaults, () => canAsk);
  talk(it, 5_000);
  assert.deepEqual(it.loads, []);
  canAsk = true;
  talk(it, 250);
  assert.equal(it.loads.length, 1);
});
