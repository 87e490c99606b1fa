import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { began, syntheticRun } from '../../test/support/synthetic-run.ts';
import type { ClusterState, NodeState, ServerState } from './cluster.ts';
import { effects } from './effects.ts';
import type { PlayedEvent, Recording } from './recording.ts';
import type { Sample } from './sample.ts';

interface Sketch {
  /** Calls a second. */
  rate: number;
  /** What each of the gateways means to give it. */
  shares?: readonly (number | undefined)[];
  life?: Pick<ServerState, 'registeredAt' | 'stoppedAt'>;
  /** The load ended, ms after it began. */
  ended?: number;
}

/** What is said of the fifth server, there for four seconds: it gets no call. */
function problems({ rate, shares = [0.25, 0.25], life = { registeredAt: began + 500 }, ended = 10_000 }: Sketch) {
  const step = { at: 0, do: 'scale', to: 5, pace: { how: 'abrupt' } } as const;
  const event: PlayedEvent = {
    ...{ index: 1, name: '1 scale to 5', step, at: began, settledAt: began + 1_000, problem: undefined },
    deed: { at: began, servers: ['new'], proof: [] },
  };
  const born: ServerState = { name: 'new', address: '', phase: 'ready', startedAt: began + 100, ...life };
  const states = Array.from({ length: 45 }, (_, tick): ClusterState => {
    const node = {
      id: 'n',
      address: '',
      server: 'new',
      base: 1,
      weight: 1,
      state: 'live',
      inFlight: 0,
      cause: null,
    } as const;
    const gateways = shares.map((share, place) => {
      const nodes: NodeState[] = share === undefined ? [] : [{ ...node, share }];
      return { name: `gateway-${place}`, phase: 'ready' as const, nodes };
    });
    const counts = { desired: 5, ready: 5, registered: 5, desiredGateways: 2 };
    return { at: began + tick * 100, ...counts, servers: [born], gateways };
  });
  const samples = Array.from({ length: rate * 4 }, (_, index): Sample => {
    const sent = began + 500 + (index * 1000) / rate;
    const end = { at: sent + 40, outcome: 'ok', attempts: 1, mayHaveExecuted: false };
    return { id: `run-${index}`, method: 'pi', unsafe: false, intended: sent, sent, end };
  });
  const recording: Recording = {
    ...syntheticRun(),
    ended: began + ended,
    events: [event],
    states,
    samples,
    executions: [],
  };
  return effects(recording, event, began + 4_500).problems;
}

const blamed = ['new was started and got no call before the next event'];

describe('a new server without a call', () => {
  it('is blamed where it should have got twenty, as gateways share them out', () => {
    assert.deepEqual(problems({ rate: 200 }), blamed);
    assert.deepEqual(problems({ rate: 20 }), blamed);
  });

  it('is not blamed where that may be chance', () => {
    assert.deepEqual(problems({ rate: 2 }), []);
    assert.deepEqual(problems({ rate: 19 }), []);
  });

  it('is not blamed where it was not to get any yet: it gets few as long as it is cold', () => {
    assert.deepEqual(problems({ rate: 200, shares: [0.02, 0.02] }), []);
    assert.deepEqual(problems({ rate: 20, shares: [0.25, undefined] }), []);
    assert.deepEqual(problems({ rate: 200, shares: [] }), []);
  });

  it('is not blamed where it was told to go before it was there, or had no two seconds', () => {
    const until = (ms: number) => problems({ rate: 200, life: { registeredAt: began + 500, stoppedAt: began + ms } });
    assert.deepEqual(problems({ rate: 200, life: {} }), []);
    assert.deepEqual(problems({ rate: 200, life: { stoppedAt: began + 100 } }), []);
    assert.deepEqual(until(2_499), []);
    assert.deepEqual(until(2_500), blamed);
  });

  it('is not blamed where the load ended before it had two seconds', () => {
    assert.deepEqual(problems({ rate: 200, ended: 2_499 }), []);
    assert.deepEqual(problems({ rate: 200, ended: 2_500 }), blamed);
  });
});
