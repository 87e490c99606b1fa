import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { StoppableClock } from '../../test/support/transport.ts';
import { systemClock } from '../core/clock.ts';
import { LoadMeter, type LoadSource, memoryLimit } from './load-meter.ts';

function meter(facts = { processes: 1, threads: 0 }, cores = 8) {
  const clock = new StoppableClock();
  const source = { cpu: 0, memory: 250, cores, memoryLimit: 1_000, reads: 0 };
  const reading: LoadSource = {
    cores,
    memoryLimit: 1_000,
    cpuTime: () => source.cpu,
    memory: () => {
      source.reads++;
      return source.memory;
    },
  };
  return { clock, source, meter: new LoadMeter(clock, facts, reading) };
}

/** Asks every so many ms, and burns that much CPU time in each of them. */
function ask(it: ReturnType<typeof meter>, ms: number, cpu = 0) {
  it.meter.read();
  it.clock.advance(ms);
  it.source.cpu += cpu;
  return it.meter.read();
}

describe('the meter of a process', () => {
  it('does nothing until somebody asks, and nothing a minute after the last one asked', () => {
    const it = meter();
    it.clock.advance(3_600_000);
    assert.deepEqual([it.clock.pending, it.source.reads], [0, 0]);
    it.meter.read();
    assert.equal(it.clock.pending, 1);
    it.clock.advance(60_000);
    assert.equal(it.clock.pending, 1);
    it.clock.advance(100);
    assert.equal(it.clock.pending, 0);
  });

  it('says at first what takes no time to know', () => {
    assert.deepEqual(meter().meter.read(), { cores: 1, memory: 0.25 });
  });

  it('measures once a second at most, however many ask', () => {
    const it = meter();
    it.meter.read();
    for (let i = 0; i < 999; i++) {
      it.clock.advance(1);
      it.meter.read();
    }
    assert.equal(it.source.reads, 1);
    it.clock.advance(1);
    const measured = it.meter.read();
    assert.equal(it.meter.read(), measured);
    assert.equal(it.source.reads, 2);
  });

  it('does not take a pause in which nobody asked for what happened lately', () => {
    const it = meter();
    ask(it, 1_000, 1_000);
    it.clock.advance(3_600_000);
    it.source.cpu += 10_000;
    assert.deepEqual(it.meter.read(), { cores: 1, memory: 0.25 });
    assert.equal(ask(it, 1_000, 500).cpu, 0.5);
  });

  it('says nothing new once it is stopped, and leaves no timer', () => {
    const it = meter();
    it.meter.read();
    it.meter.stop();
    assert.equal(it.clock.pending, 0);
    it.meter.read();
    assert.equal(it.clock.pending, 0);
  });
});

describe('CPU', () => {
  it('is time used per time that passed, since it was last measured', () => {
    const it = meter();
    assert.equal(ask(it, 1_000, 250).cpu, 0.25);
    assert.equal(ask(it, 2_000, 2_000).cpu, 1);
    assert.equal(ask(it, 1_000, 3_500).cpu, 3.5);
    assert.equal(ask(it, 1_000).cpu, 0);
  });

  it('can come to one core, or as many as threads, where there are so many for each process', () => {
    for (const [facts, cores, expected] of [
      [{ processes: 1, threads: 0 }, 8, 1],
      [{ processes: 1, threads: 4 }, 8, 4],
      [{ processes: 1, threads: 16 }, 8, 8],
      [{ processes: 4, threads: 4 }, 8, 2],
      [{ processes: 4, threads: 0 }, 2, 0.5],
    ] as const) {
      assert.equal(meter(facts, cores).meter.read().cores, expected);
    }
  });
});

describe('the delay of the event loop', () => {
  it('is none while nothing is late', () => {
    assert.equal(ask(meter(), 1_000).eventLoopDelay, 0);
  });

  it('is the longest since it was last measured, and then forgotten', () => {
    const it = meter();
    it.meter.read();
    for (const pause of [30, 480, 90]) {
      it.clock.advance(200);
      it.clock.stop(pause);
    }
    it.clock.advance(500);
    assert.equal(it.meter.read().eventLoopDelay, 480);
    assert.equal(ask(it, 1_000).eventLoopDelay, 0);
  });

  it('is seen where every turn of the loop takes longer than a measurement', () => {
    const it = meter();
    it.meter.read();
    for (let i = 0; i < 5; i++) {
      // What is due comes first in a turn, then the question is read, then the next handler computes.
      it.clock.advance(50);
      it.clock.stop(1_500);
      it.clock.advance(0);
      assert.ok(it.meter.read().eventLoopDelay! >= 1_450, `${i}`);
    }
  });

  it('counts as far as it goes when the question is read before the timers have their turn', () => {
    const it = meter();
    it.meter.read();
    it.clock.advance(900);
    it.clock.stop(2_000);
    assert.equal(it.meter.read().eventLoopDelay, 1_950);
  });
});

describe('memory', () => {
  it('is a share of what all processes of the server may use, and taken for what all of them use', () => {
    assert.equal(meter({ processes: 1, threads: 4 }).meter.read().memory, 0.25);
    assert.equal(meter({ processes: 3, threads: 0 }).meter.read().memory, 0.75);
  });

  it('has a limit: the one set, or all there is', () => {
    assert.equal(memoryLimit(512, 1_000), 512);
    assert.equal(memoryLimit(0, 1_000), 1_000);
    assert.equal(memoryLimit(2 ** 64, 1_000), 1_000);
  });
});

test('this process is measured: it can be seen to compute, and to stand still', async () => {
  const own = new LoadMeter(systemClock, { processes: 1, threads: 0 });
  const used = () => process.cpuUsage().user + process.cpuUsage().system;
  const before = { time: systemClock.now(), cpu: used() };
  const first = own.read();
  assert.ok(first.memory! > 0 && first.memory! < 1, `${first.memory}`);
  assert.ok(first.cores! > 0);
  await systemClock.sleep(100);
  const since = systemClock.now();
  // On a machine that is busy with others a second may have little CPU time in it.
  while (systemClock.now() - since < 1_100 || used() - before.cpu < 50_000);
  await systemClock.sleep(0);
  const { cpu, eventLoopDelay } = own.read();
  own.stop();
  const share = (used() - before.cpu) / 1_000 / (systemClock.now() - before.time);
  assert.ok(cpu! > share / 2 && cpu! < share * 2, `${cpu} cores, expected about ${share}`);
  assert.ok(eventLoopDelay! >= 900, `${eventLoopDelay} ms`);
});
