import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MetricsJson, makeMetrics } from '../ops/metrics.ts';
import { WorkerMetrics } from './worker-metrics.ts';

/** A process with a counter, a histogram and a gauge. */
function process() {
  const metrics = makeMetrics({ process: false });
  const calls = metrics.counter({ name: 'calls_total', help: 'Calls.' }).with();
  const took = metrics.histogram({ name: 'took_seconds', help: 'Time.' }).with();
  const open = metrics.gauge({ name: 'open', help: 'Open.' }).with();
  return {
    work(n: number) {
      calls.add(n);
      for (let i = 0; i < n; i++) took.observe(0.02);
      open.set(n);
    },
    report: () => metrics.json(),
  };
}

type Process = ReturnType<typeof process>;

async function values(merged: WorkerMetrics<Process>, living: Process[], silent: Process[] = []) {
  const reports = new Map<Process, MetricsJson>();
  for (const one of living) if (!silent.includes(one)) reports.set(one, await one.report());
  const text = await merged.text([], living, (one) => reports.get(one));
  const value = (name: string) => Number(new RegExp(`^${name}(?:{le="\\+Inf"})? (\\S+)$`, 'm').exec(text)?.[1]);
  return { calls: value('calls_total'), took: value('took_seconds_count'), open: value('open') };
}

describe('metrics of a server whose processes come and go', () => {
  it('are the sums over its processes', async () => {
    const [a, b] = [process(), process()];
    a.work(2);
    b.work(3);
    assert.deepEqual(await values(new WorkerMetrics(), [a, b]), { calls: 5, took: 5, open: 5 });
  });

  it('keep what a dead process had counted, but not what it held', async () => {
    const merged = new WorkerMetrics<Process>();
    const [a, b, c] = [process(), process(), process()];
    a.work(2);
    b.work(3);
    await values(merged, [a, b]);
    assert.deepEqual(await values(merged, [b]), { calls: 5, took: 5, open: 3 });
    c.work(10);
    assert.deepEqual(await values(merged, [b, c]), { calls: 15, took: 15, open: 13 });
    assert.deepEqual(await values(merged, []), { calls: 15, took: 15, open: Number.NaN });
    assert.deepEqual(await values(merged, []), { calls: 15, took: 15, open: Number.NaN }, 'and count it once');
  });

  it('keep what a process said last while it does not answer', async () => {
    const merged = new WorkerMetrics<Process>();
    const [a, b] = [process(), process()];
    a.work(2);
    b.work(3);
    await values(merged, [a, b]);
    a.work(5);
    assert.deepEqual(await values(merged, [a, b], [a]), { calls: 5, took: 5, open: 5 });
    assert.deepEqual(await values(merged, [a, b]), { calls: 10, took: 10, open: 8 });
  });

  it('count a process that is gone once, however many ask at the same time', async () => {
    const merged = new WorkerMetrics<Process>();
    const [a, b] = [process(), process()];
    a.work(2);
    b.work(3);
    await values(merged, [a, b]);
    const all = await Promise.all(Array.from({ length: 5 }, () => values(merged, [b])));
    assert.deepEqual(
      all.map(({ calls }) => calls),
      [5, 5, 5, 5, 5],
    );
  });
});
