import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autoscaledRun, capacityRun } from '../../test/support/synthetic-cluster.ts';
import { began } from '../../test/support/synthetic-run.ts';
import { capacity } from './capacity.ts';
import type { ClusterState, NodeState } from './cluster.ts';
import type { PlayedEvent, Recording } from './recording.ts';

const run = capacityRun();

/** With the states of that time changed, s after the load began. */
function withStates(from: number, until: number, change: (state: ClusterState) => ClusterState): Recording {
  const inside = ({ at }: ClusterState) => at >= began + from * 1000 && at < began + until * 1000;
  return { ...run, states: run.states.map((state) => (inside(state) ? change(state) : state)) };
}

function withNodes(state: ClusterState, change: (nodes: readonly NodeState[]) => NodeState[]): ClusterState {
  return { ...state, gateways: state.gateways.map((gateway) => ({ ...gateway, nodes: change(gateway.nodes) })) };
}

const seconds = ({ plateaus }: NonNullable<ReturnType<typeof capacity>>) =>
  plateaus.map(({ from, until, servers }) => [servers, (from - began) / 1000, (until - began) / 1000]);

describe('capacity', () => {
  it('is measured between the events, when all servers have their whole weight', () => {
    // The newcomers have it 3 s after they are ready: at 15 and at 29.
    assert.deepEqual(seconds(capacity(run)!), [
      // From then on nothing is cold any more.
      [1, 3, 9.9],
      [2, 15, 22.9],
      [4, 29, 36.9],
      [1, 42, 55],
    ]);
  });

  it('is measured during the baselines alone where the scenario has some: what is before them is for warming up', () => {
    const [event] = run.events;
    const baseline = (from: number, until: number) => ({
      ...event!,
      step: { ...event!.step, do: 'baseline', for: 1000 } as PlayedEvent['step'],
      at: began + from * 1000,
      settledAt: began + until * 1000,
    });
    const { events } = run;
    const some = { ...run, events: [events[0]!, baseline(18, 21), events[1]!, baseline(27, 31), baseline(31, 32)] };
    assert.deepEqual(seconds(capacity(some)!), [
      [2, 18, 21],
      // The last of the newcomers had its whole weight at 29; a second is too short.
      [4, 29, 31],
    ]);
  });

  it('compares the rate of one server with that of one server with the fewest servers', () => {
    const { points } = capacity(run)!;
    assert.deepEqual(
      points.map(({ servers, rate }) => [servers, Math.round(rate / 4)]),
      [
        [1, 25],
        [2, 49],
        [4, 75],
      ],
    );
    const [one, two, four] = points.map(({ efficiency }) => efficiency);
    assert.equal(one, 1);
    assert.ok(Math.abs(two! - 0.98) < 0.01, `${two}`);
    assert.ok(Math.abs(four! - 0.75) < 0.01, `${four}`);
  });

  it('names the number of servers from which on the machines are full', () => {
    assert.equal(capacity(run)!.fullFrom, 4);
    const few = { ...run, states: run.states.filter(({ at }) => at < began + 23_000) };
    assert.equal(capacity(few)!.fullFrom, undefined);
  });

  it('counts right answers alone', () => {
    const wrong = run.samples.map((sample, index) =>
      index % 2 === 0 ? { ...sample, end: { ...sample.end!, outcome: 'WRONG' } } : sample,
    );
    const [all, half] = [run, { ...run, samples: wrong }].map((one) => capacity(one)!.points[1]!.rate);
    assert.ok(Math.abs(half! / all! - 0.5) < 0.01);
  });

  it('goes on while a server that had its whole weight falters: that is a part of what they can do', () => {
    const faltering = withStates(17, 18, (state) =>
      withNodes(state, (nodes) => nodes.map((node) => ({ ...node, weight: 512 }))),
    );
    assert.deepEqual(seconds(capacity(faltering)!)[1], [2, 15, 22.9]);
  });

  it('is cut where a server is missing, and passes over what is too short to be a figure', () => {
    const gap = withStates(18, 19, (state) => ({ ...state, ready: 1 }));
    assert.deepEqual(seconds(capacity(gap)!).slice(1, 3), [
      [2, 15, 17.9],
      [2, 19, 22.9],
    ]);
    const late = withStates(18, 21, (state) => ({ ...state, ready: 1 }));
    assert.deepEqual(seconds(capacity(late)!).slice(1, 3), [
      [2, 15, 17.9],
      [4, 29, 36.9],
    ]);
  });

  it('does not wait for ever for whole weights: one that is overloaded may never have it', () => {
    const busy = withStates(0, 60, (state) =>
      withNodes(state, (nodes) => nodes.map((node) => ({ ...node, weight: 512 }))),
    );
    // 8 s after the event has settled.
    assert.deepEqual(seconds(capacity(busy)!), [[1, 50, 55]]);
  });

  it('is not measured while the gateway does not call a server, or says nothing', () => {
    const unseen = withStates(0, 6, (state) => withNodes(state, () => []));
    assert.deepEqual(seconds(capacity(unseen)!)[0], [1, 6, 9.9]);
  });

  it('is not measured while the gateway says nothing for long', () => {
    const silent = withStates(42, 56, (state) => withNodes(state, () => []));
    assert.equal(seconds(capacity(silent)!).at(-1)![0], 4);
  });

  it('is not measured while another number of servers is wanted', () => {
    const wanted = withStates(15, 23, (state) => ({ ...state, desired: 3 }));
    assert.deepEqual(
      seconds(capacity(wanted)!).map(([servers]) => servers),
      [1, 4, 1],
    );
  });

  it('is nothing that a proof shows: there the load sets the rate', () => {
    assert.equal(capacity(autoscaledRun()), undefined);
  });

  it('has no points where nothing stood still long enough', () => {
    assert.deepEqual(capacity({ ...run, states: run.states.slice(0, 45) }), {
      plateaus: [],
      points: [],
      fullFrom: undefined,
    });
  });
});
