import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { autoscaledRun } from '../../test/support/synthetic-cluster.ts';
import { began, syntheticRun } from '../../test/support/synthetic-run.ts';
import type { Recording } from './recording.ts';
import type { Sample } from './sample.ts';
import { timeline } from './timeline.ts';

describe('a timeline', () => {
  const run = syntheticRun();

  it('has the rates and latencies of each second on the clock of the load', () => {
    const { buckets, width, length } = timeline(run);
    assert.equal(width, 1);
    assert.equal(length, 46);
    assert.equal(buckets.length, 46);
    const calm = buckets[21]!;
    assert.ok(Math.abs(calm.offered - 300) <= 1 && Math.abs(calm.achieved - 300) <= 3, JSON.stringify(calm));
    assert.ok(calm.p50! >= 40 && calm.p50! <= calm.p95! && calm.p95! <= calm.p99! && calm.p99! < 70);
    assert.ok(buckets[23]!.p99! > 120, 'the freeze shows');
    assert.ok(buckets[23]!.retried > 10);
  });

  it('gives the same rates in finer buckets, and loses no call', () => {
    const { buckets } = timeline(run, 100);
    assert.equal(buckets.length, 460);
    assert.ok(Math.abs(buckets[215]!.offered - 300) <= 20);
    const offered = buckets.reduce((sum, bucket) => sum + bucket.offered / 10, 0);
    assert.ok(Math.abs(offered - 13_800) < 1e-6, `${offered} calls`);
  });

  it('shows a failure where the call ended, and one without an end where it was due', () => {
    const sample = (index: number, due: number, end: Sample['end']): Sample => ({
      ...{ id: `run-${index}`, method: 'pi', unsafe: index === 2, intended: began + due, sent: began + due, end },
    });
    const failed = { outcome: 'UNAVAILABLE', attempts: 2, mayHaveExecuted: true };
    const few: Recording = {
      ...run,
      samples: [
        sample(0, 500, { at: began + 2500, ...failed }),
        sample(1, 1500, undefined),
        sample(2, 500, { at: began + 1600, ...failed }),
      ],
      dropped: [{ kind: 'dropped', at: began + 3200, count: 4 }],
    };
    const { buckets } = timeline(few);
    assert.deepEqual(
      buckets.slice(0, 4).map(({ failed, unknown, dropped, retried }) => [failed, unknown, dropped, retried]),
      [
        [0, 0, 0, 0],
        [1, 1, 0, 1],
        [1, 0, 0, 1],
        [0, 0, 4, 0],
      ],
    );
  });

  it('does not show as a failure what the end of the load has cut off', () => {
    const sample = (index: number, due: number): Sample => ({
      ...{ id: `run-${index}`, method: 'pi', unsafe: false, intended: began + due, sent: began + due, end: undefined },
    });
    const load = { ...run.load, state: 'finished', cutAt: began + 45_900 } as Recording['load'];
    const samples = [sample(0, 45_900 - run.plan.deadline + 1), sample(1, 45_900 - run.plan.deadline)];
    const { buckets } = timeline({ ...run, samples, load });
    assert.equal(
      buckets.reduce((sum, { failed }) => sum + failed, 0),
      1,
      'one had no time left',
    );
  });

  it('keeps of the servers what changed', () => {
    const { replicas, weights } = timeline(run);
    assert.deepEqual(
      replicas.filter(({ t }) => t >= 5 && t < 7).map(({ desired, ready }) => [desired, ready]),
      [
        [5, 3],
        [5, 4],
        [5, 5],
      ],
    );
    assert.ok(
      replicas.some(({ registered }) => registered === undefined),
      'ZooKeeper was away',
    );
    const frozen = weights.find(({ server }) => server === 'server-2')!.points;
    const lowest = Math.min(...frozen.flatMap(({ weight }) => weight ?? []));
    assert.equal(lowest, 1);
    const killed = weights.find(({ server }) => server === 'server-1')!.points;
    assert.deepEqual(killed.at(-1), { t: 46, weight: undefined, base: 1024, state: 'absent' });
  });

  it('has no weights of a server that was gone before the load began', () => {
    const early = {
      name: 'server-0',
      address: '',
      startedAt: began - 9000,
      stoppedAt: began - 3000,
      goneAt: began - 1000,
    };
    const states = run.states.map((state) => ({
      ...state,
      servers: [{ ...early, phase: 'gone' as const }, ...state.servers],
    }));
    assert.deepEqual(timeline({ ...run, states }).weights, timeline(run).weights);
  });

  it('keeps of the autoscaler and the gateways what changed', () => {
    const { autoscaler, gateways } = timeline(autoscaledRun());
    assert.deepEqual(
      autoscaler.map(({ t, min, max, desired }) => [t, min, max, desired]),
      [
        [0, 2, 6, 2],
        [35, 2, 6, 3],
        [50, 2, 6, 5],
        [70, 2, 6, 4],
        [95, 2, 6, 4],
      ],
    );
    assert.deepEqual(gateways, [
      { t: 0, desired: 2, ready: 2, published: 2 },
      { t: 80, desired: 2, ready: 3, published: 2 },
      { t: 80.4, desired: 2, ready: 3, published: 3 },
      { t: 83, desired: 2, ready: 2, published: 3 },
      { t: 83.4, desired: 2, ready: 2, published: 2 },
      { t: 95, desired: 2, ready: 2, published: 2 },
    ]);
  });

  it('keeps what Kubernetes publishes of the servers', () => {
    const published = (run: Recording) => timeline(run).replicas.map(({ published }) => published);
    assert.deepEqual([...new Set(published(autoscaledRun()))], [2, 3, 4, 5]);
    assert.deepEqual([...new Set(published(run))], [undefined]);
  });

  it('says nothing of a gateway that was there all the time, nor of an autoscaler that is not there', () => {
    const { autoscaler, gateways } = timeline(run);
    assert.deepEqual([autoscaler, gateways], [[], []]);
  });
});
