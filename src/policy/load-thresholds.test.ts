import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Load } from '../core/load.ts';
import { busyShare, type LoadThresholds, loadThresholds, loadTogether, overloadedBy } from './load-thresholds.ts';

const idle: Load = { inFlight: 0, queued: 0, cpu: 0, cores: 1, eventLoopDelay: 0, memory: 0.2 };
const over = (load: Partial<Load>, thresholds: Partial<LoadThresholds> = {}) =>
  overloadedBy({ ...idle, ...load }, loadThresholds(thresholds));

describe('thresholds for load', () => {
  it('have defaults: a delay of a second and 95 % of the memory; no CPU and no queue is too much', () => {
    assert.deepEqual(loadThresholds(), { cpu: false, eventLoopDelay: 1_000, memory: 0.95, queued: false });
    assert.equal(over({ cpu: 16, cores: 1, queued: 1_000_000, inFlight: 1_000_000 }), undefined);
  });

  it('are passed by what is above them, and not by what is at them', () => {
    assert.equal(over({ eventLoopDelay: 1_000 }), undefined);
    assert.equal(over({ eventLoopDelay: 1_240 }), 'event loop delay 1,240 ms > 1,000');
    assert.equal(over({ memory: 0.95 }), undefined);
    assert.equal(over({ memory: 0.972 }), 'memory 97.2% > 95%');
    assert.equal(over({ queued: 50 }, { queued: 50 }), undefined);
    assert.equal(over({ queued: 1_200 }, { queued: 50 }), 'calls waiting 1,200 > 50');
    assert.equal(over({ cpu: 0.9 }, { cpu: 0.9 }), undefined);
    assert.equal(over({ cpu: 0.95 }, { cpu: 0.9 }), 'CPU 95% > 90%');
  });

  it('of CPU are a share of the cores that the node can use', () => {
    assert.equal(over({ cpu: 3.2, cores: 4 }, { cpu: 0.9 }), undefined);
    assert.equal(over({ cpu: 3.8, cores: 4 }, { cpu: 0.9 }), 'CPU 95% > 90%');
    assert.equal(over({ cpu: 0.95, cores: undefined }, { cpu: 0.9 }), 'CPU 95% > 90%');
  });

  it('name all that is too much', () => {
    const load = { eventLoopDelay: 2_000, memory: 1.02, cpu: 1, queued: 9 };
    assert.equal(
      over(load, { cpu: 0.5, queued: 5 }),
      'event loop delay 2,000 ms > 1,000, memory 102% > 95%, CPU 100% > 50%, calls waiting 9 > 5',
    );
  });

  it('are off by false, and where a node does not say', () => {
    assert.equal(over({ eventLoopDelay: 60_000, memory: 2 }, { eventLoopDelay: false, memory: false }), undefined);
    assert.equal(overloadedBy({ inFlight: 5, queued: 0 }, loadThresholds({ cpu: 0.05, queued: 1 })), undefined);
  });

  it('that cannot be are refused with their name, their value and what is allowed', () => {
    for (const [given, sentence] of [
      [{ cpu: 0 }, 'loadThresholds.cpu is 0: expected a number in 0.05..1'],
      [{ cpu: 90 }, 'loadThresholds.cpu is 90: expected a number in 0.05..1'],
      [{ eventLoopDelay: 9 }, 'loadThresholds.eventLoopDelay is 9: expected a number in 10..60000'],
      [{ eventLoopDelay: 60_001 }, 'loadThresholds.eventLoopDelay is 60001: expected a number in 10..60000'],
      [{ memory: Number.NaN }, 'loadThresholds.memory is NaN: expected a number in 0.1..1'],
      [{ memory: 95 }, 'loadThresholds.memory is 95: expected a number in 0.1..1'],
      [{ queued: 0 }, 'loadThresholds.queued is 0: expected a number in 1..1000000'],
      [{ queued: '5' as unknown as number }, 'loadThresholds.queued is 5: expected a number in 1..1000000'],
    ] satisfies [Partial<LoadThresholds>, string][]) {
      assert.throws(() => loadThresholds(given), { name: 'RangeError', message: sentence });
    }
  });
});

describe('the busy share', () => {
  const share = (load: Partial<Load>) => busyShare({ ...idle, ...load });

  it('is the share of the cores at work', () => {
    assert.equal(share({}), 0);
    assert.equal(share({ cpu: 0.25 }), 0.25);
    assert.equal(share({ cpu: 2, cores: 4 }), 0.5);
    assert.equal(share({ cpu: 0.5, cores: 0.5 }), 1);
    assert.equal(share({ cpu: 0.5, cores: undefined }), 0.5);
  });

  it('goes on above 1 by what waits: for the event loop, or for a turn', () => {
    assert.equal(share({ cpu: 1, eventLoopDelay: 500 }), 1.5);
    assert.equal(share({ cpu: 2, cores: 2, inFlight: 2, queued: 6 }), 4);
    assert.equal(share({ cpu: 0, queued: 3 }), 3);
    assert.equal(share({ cpu: 0.5, eventLoopDelay: undefined }), 0.5);
  });

  it('does not go by memory, and is not known of a node that does not measure itself', () => {
    assert.equal(share({ cpu: 0.5, memory: 0.99 }), 0.5);
    assert.equal(busyShare({ inFlight: 3, queued: 5 }), undefined);
  });
});

describe('the load of several processes', () => {
  const busy: Load = { inFlight: 3, queued: 2, cpu: 1, cores: 1, eventLoopDelay: 4_000, memory: 0.9 };

  it('is that of the only one, and none of none', () => {
    assert.equal(loadTogether([]), undefined);
    assert.equal(loadTogether([busy]), busy);
  });

  it('adds up calls, CPU and cores; takes the shortest delay and the mean of the memory', () => {
    const other: Load = { inFlight: 1, queued: 0, cpu: 2, cores: 3, eventLoopDelay: 5, memory: 0.5 };
    assert.deepEqual(loadTogether([busy, other]), {
      inFlight: 4,
      queued: 2,
      cpu: 3,
      cores: 4,
      eventLoopDelay: 5,
      memory: 0.7,
    });
  });

  it('is no fault while one of them answers at once, and one when none does', () => {
    const thresholds = loadThresholds();
    assert.equal(overloadedBy(loadTogether([busy, idle])!, thresholds), undefined);
    assert.match(overloadedBy(loadTogether([busy, { ...busy, eventLoopDelay: 1_001 }])!, thresholds)!, /1,001 ms/);
  });

  it('goes by those that measure themselves', () => {
    const silent: Load = { inFlight: 1, queued: 0 };
    const { cores: _, ...bare } = busy;
    assert.equal(busyShare(loadTogether([silent, { ...busy, queued: 0 }])!), 5);
    assert.equal(loadTogether([silent, bare])!.cores, 1);
    assert.deepEqual(loadTogether([silent, silent]), {
      inFlight: 2,
      queued: 0,
      cpu: undefined,
      cores: undefined,
      eventLoopDelay: undefined,
      memory: undefined,
    });
  });
});
