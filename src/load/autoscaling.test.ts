import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autoscaledRun } from '../../test/support/synthetic-cluster.ts';
import { began } from '../../test/support/synthetic-run.ts';
import { autoscaling } from './autoscaling.ts';
import type { LoadPlan } from './plan.ts';
import type { Recording } from './recording.ts';
import { judge } from './verdict.ts';

const run = autoscaledRun();
const [, event] = run.events;

function withLoad(load: LoadPlan['load']): Recording {
  return { ...run, plan: { ...run.plan, load } };
}

describe('the autoscaler', () => {
  it('is late by the time from the rise of the load to the first new server, and to the last', () => {
    assert.deepEqual(autoscaling(run, event!), {
      direction: 'up',
      since: began + 20_000,
      firstChange: 18_000,
      reached: 33_000,
      overshoot: 1,
    });
  });

  it('is told in the verdict of that event and of no other', () => {
    const [baseline, hpa, gateway] = judge(run).events.map(({ effects }) => effects);
    assert.equal(hpa!.autoscaling!.overshoot, 1);
    assert.equal(baseline!.autoscaling, undefined);
    assert.equal(gateway!.autoscaling, undefined);
  });

  it('is measured from the last rise before it answered', () => {
    const stages = [
      { target: 100, duration: 20_000 },
      { target: 100, duration: 10_000 },
      { target: 200, duration: 2000 },
      { target: 200, duration: 20_000 },
      { target: 300, duration: 30_000 },
    ];
    assert.equal(autoscaling(withLoad({ kind: 'proof', startRate: 10, stages }), event!)!.since, began + 30_000);
  });

  it('is measured from the beginning of a rise that has several stages, or began before the event', () => {
    const stages = [
      { target: 50, duration: 10_000 },
      { target: 100, duration: 10_000 },
      { target: 200, duration: 60_000 },
    ];
    assert.equal(autoscaling(withLoad({ kind: 'proof', startRate: 50, stages }), event!)!.since, began + 10_000);
  });

  it('is measured from the event where a rise was over before', () => {
    const stages = [
      { target: 50, duration: 2000 },
      { target: 50, duration: 93_000 },
    ];
    assert.equal(autoscaling(withLoad({ kind: 'proof', startRate: 5, stages }), event!)!.since, event!.at);
  });

  it('is not blamed for what comes in the next event, but for what comes while nothing is done', () => {
    const before = (next: 'gateway' | 'baseline') => {
      const step = { at: 0, ...(next === 'baseline' ? { do: next, for: 1 } : { do: next }) } as const;
      const events = [...run.events.slice(0, 2), { ...run.events[2]!, step, at: began + 49_000 }];
      return autoscaling({ ...run, events }, event!)!.overshoot;
    };
    assert.equal(before('gateway'), 0);
    assert.equal(before('baseline'), 1);
  });

  it('is measured from the event where the load did not change', () => {
    const stages = [{ target: 50, duration: 95_000 }];
    assert.equal(autoscaling(withLoad({ kind: 'proof', startRate: 50, stages }), event!)!.since, event!.at);
    assert.equal(autoscaling(withLoad({ kind: 'capacity', users: 9, duration: 95_000 }), event!)!.since, event!.at);
  });

  it('is measured from the beginning of the load where users call without a pause', () => {
    const first = { ...withLoad({ kind: 'capacity', users: 9, duration: 95_000 }), events: [event!] };
    assert.equal(autoscaling(first, event!)!.since, began);
  });

  it('may also take servers away', () => {
    const down = { ...event!, step: { at: 0, do: 'hpa', to: 1 } as const };
    const stages = [
      { target: 50, duration: 25_000 },
      { target: 10, duration: 5000 },
    ];
    const states = run.states.map((state) => {
      const ready = state.at < began + 45_000 ? 2 : state.at < began + 60_000 ? 0 : 1;
      return { ...state, desired: ready, ready };
    });
    const fell = { ...withLoad({ kind: 'proof', startRate: 50, stages }), states };
    assert.deepEqual(autoscaling(fell, down), {
      direction: 'down',
      since: began + 25_000,
      firstChange: 20_000,
      reached: 20_000,
      overshoot: 1,
    });
  });

  it('has no times where it did nothing', () => {
    const states = run.states.map((state) => ({ ...state, desired: 2, ready: 2 }));
    const { firstChange, reached, overshoot } = autoscaling({ ...run, states }, event!)!;
    assert.deepEqual([firstChange, reached, overshoot], [undefined, undefined, 0]);
  });
});
