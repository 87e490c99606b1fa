import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaultWindow } from './fault-window.ts';

test('both the number of faults and their share must be reached', () => {
  const window = new FaultWindow(10_000);
  for (let i = 0; i < 4; i++) window.fault(0);
  assert.ok(!window.reaches(5, 0.5, 0), 'four of four');
  window.fault(0);
  assert.ok(window.reaches(5, 0.5, 0), 'five of five');
  for (let i = 0; i < 5; i++) window.success(0);
  assert.ok(window.reaches(5, 0.5, 0), 'five of ten');
  window.success(0);
  assert.ok(!window.reaches(5, 0.5, 0), 'five of eleven');
});

test('what is older than the window is forgotten, to a tenth of it', () => {
  const window = new FaultWindow(10_000);
  for (let i = 0; i < 5; i++) window.fault(500);
  assert.ok(window.reaches(5, 0.5, 9_999));
  assert.ok(!window.reaches(1, 0.5, 10_000));
  for (let i = 0; i < 5; i++) window.fault(10_000);
  assert.ok(!window.reaches(1, 0, 100_000), 'after a pause longer than the window');
});

test('nothing is left after it was cleared', () => {
  const window = new FaultWindow(10_000);
  for (let i = 0; i < 5; i++) window.fault(0);
  window.clear();
  assert.ok(!window.reaches(1, 0.5, 0));
  window.fault(0);
  assert.ok(window.reaches(1, 1, 0));
});

test('it counts as a list of all attempts would', () => {
  const attempt = fc.record({ after: fc.integer({ min: 0, max: 4_000 }), failed: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(attempt, { maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempts, faults, share) => {
        const window = new FaultWindow(10_000);
        const all: { slice: number; failed: boolean }[] = [];
        let now = 0;
        for (const { after, failed } of attempts) {
          now += after;
          const slice = Math.floor(now / 1_000);
          all.push({ slice, failed });
          if (failed) window.fault(now);
          else window.success(now);
          const recent = all.filter((one) => one.slice > slice - 10);
          assert.equal(window.total(now), recent.length);
          const failures = recent.filter((one) => one.failed).length;
          assert.equal(window.reaches(faults, share, now), failures >= faults && failures >= share * recent.length);
        }
      },
    ),
  );
});
