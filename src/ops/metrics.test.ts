import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMetrics, mergeMetrics, totals } from './metrics.ts';

const fresh = () => makeMetrics({ process: false });
const calls = { name: 'calls_total', help: 'Calls.', labels: ['method', 'code'] };
const duration = { name: 'duration_seconds', help: 'Time.', labels: ['method'] };

/** The sample lines of an exposition, without comments. */
const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('a counter adds, by one unless told', async () => {
  const metrics = fresh();
  const series = metrics.counter(calls).with('pi', 'OK');
  series.add();
  series.add(2);
  metrics.counter(calls).with('pi', 'INTERNAL').add();
  const text = await metrics.text();
  assert.match(text, /# HELP calls_total Calls\.\n# TYPE calls_total counter\n/);
  assert.deepEqual(lines(text), ['calls_total{method="pi",code="OK"} 3', 'calls_total{method="pi",code="INTERNAL"} 1']);
});

test('a counter neither falls nor is spoilt', async () => {
  const metrics = fresh();
  const series = metrics.counter({ name: 'c_total', help: 'C.' }).with();
  series.add(5);
  series.add(-1);
  series.add(Number.NaN);
  assert.deepEqual(lines(await metrics.text()), ['c_total 5']);
});

test('a series without labels is there from the start; one with labels when it is asked for', async () => {
  const metrics = fresh();
  metrics.gauge({ name: 'in_flight', help: 'G.' });
  metrics.counter(calls);
  assert.deepEqual(lines(await metrics.text()), ['in_flight 0']);
});

test('a gauge shows what was set last', async () => {
  const metrics = fresh();
  const gauge = metrics.gauge({ name: 'weight', help: 'W.', labels: ['node'] }).with('10.0.0.1:7000');
  gauge.set(1024);
  gauge.set(-0.5);
  assert.deepEqual(lines(await metrics.text()), ['weight{node="10.0.0.1:7000"} -0.5']);
});

test("a histogram's buckets are OpenTelemetry's fourteen, each with what is at or below its bound", async () => {
  const metrics = fresh();
  const series = metrics.histogram(duration).with('pi');
  for (const value of [0, 0.005, 0.0051, 0.1, 10, 10.1, Number.NaN]) series.observe(value);
  const expected: [string, number][] = [
    ['0.005', 2],
    ['0.01', 3],
    ['0.025', 3],
    ['0.05', 3],
    ['0.075', 3],
    ['0.1', 4],
    ['0.25', 4],
    ['0.5', 4],
    ['0.75', 4],
    ['1', 4],
    ['2.5', 4],
    ['5', 4],
    ['7.5', 4],
    ['10', 5],
    ['+Inf', 6],
  ];
  const text = await metrics.text();
  assert.match(text, /# TYPE duration_seconds histogram/);
  assert.deepEqual(
    lines(text).filter((line) => !line.includes('_sum')),
    [
      ...expected.map(([le, count]) => `duration_seconds_bucket{method="pi",le="${le}"} ${count}`),
      'duration_seconds_count{method="pi"} 6',
    ],
  );
});

test("a histogram's sum is that of its values", async () => {
  const metrics = fresh();
  const series = metrics.histogram({ name: 'h', help: 'H.' }).with();
  for (const value of [0.5, 0.25, Number.NaN]) series.observe(value);
  assert.ok(lines(await metrics.text()).includes('h_sum 0.75'));
});

test('a removed series is gone, and begins anew when it is asked for again', async () => {
  const metrics = fresh();
  const family = metrics.gauge({ name: 'weight', help: 'W.', labels: ['node', 'zone'] });
  family.with('a', 'x').set(1);
  family.with('b', 'x').set(2);
  family.remove('a', 'x');
  family.remove('never', 'there');
  assert.deepEqual(lines(await metrics.text()), ['weight{node="b",zone="x"} 2']);
  family.with('a', 'x');
  assert.deepEqual(lines(await metrics.text()), ['weight{node="b",zone="x"} 2', 'weight{node="a",zone="x"} 0']);
});

test('the same name gives the same series; with other labels or another type it is refused', () => {
  const metrics = fresh();
  assert.equal(metrics.counter(calls).with('pi', 'OK'), metrics.counter(calls).with('pi', 'OK'));
  assert.notEqual(metrics.counter(calls).with('pi', 'OK'), metrics.counter(calls).with('pi', 'INTERNAL'));
  assert.throws(
    () => metrics.gauge(calls),
    /calls_total is already a counter with labels \(method, code\), not a gauge with \(method, code\)/,
  );
  assert.throws(() => metrics.counter({ ...calls, labels: ['code'] }), /not a counter with \(code\)/);
});

test('bad names and the wrong number of values are refused', () => {
  const metrics = fresh();
  assert.throws(() => metrics.counter({ name: 'a-b', help: '' }), /"a-b" cannot name a metric/);
  assert.throws(() => metrics.counter({ name: 'a', help: '', labels: ['le'] }), /"le" cannot name a label of a/);
  assert.throws(() => metrics.counter({ name: 'a', help: '', labels: ['b c'] }), /"b c" cannot name a label of a/);
  assert.throws(() => metrics.counter(calls).with('pi'), /calls_total takes 2 label values \(method, code\), got 1/);
});

test('a label value cannot forge a line', async () => {
  const metrics = fresh();
  metrics
    .counter({ name: 'c_total', help: 'C.', labels: ['method'] })
    .with('a"} 1\nforged{x="\\')
    .add();
  assert.deepEqual(lines(await metrics.text()), ['c_total{method="a\\"} 1\\nforged{x=\\"\\\\"} 1']);
});

test('values that JSON writes alike are different series', async () => {
  const metrics = fresh();
  const family = metrics.counter(calls);
  family.with('a', 'b","c').add();
  family.with('a","b', 'c').add();
  assert.equal(lines(await metrics.text()).length, 2);
});

async function worker(pi: number): Promise<Awaited<ReturnType<ReturnType<typeof fresh>['json']>>> {
  const metrics = fresh();
  metrics.counter(calls).with('pi', 'OK').add(pi);
  metrics.gauge({ name: 'in_flight', help: 'G.' }).with().set(pi);
  metrics.histogram(duration).with('pi').observe(0.02);
  return JSON.parse(JSON.stringify(await metrics.json()));
}

test('the metrics of workers are added up', async () => {
  const text = await mergeMetrics([await worker(1), await worker(10)]);
  assert.match(text, /^calls_total\{method="pi",code="OK"\} 11$/m);
  assert.match(text, /^in_flight 11$/m);
  assert.match(text, /^duration_seconds_bucket\{method="pi",le="0.01"\} 0$/m);
  assert.match(text, /^duration_seconds_bucket\{method="pi",le="0.025"\} 2$/m);
  assert.match(text, /^duration_seconds_bucket\{method="pi",le="\+Inf"\} 2$/m);
  assert.match(text, /^duration_seconds_sum\{method="pi"\} 0.04$/m);
  assert.match(text, /^duration_seconds_count\{method="pi"\} 2$/m);
  assert.match(text, /# TYPE duration_seconds histogram/);
});

test('what JSON cannot carry is left out', async () => {
  const metrics = fresh();
  const gauge = metrics.gauge({ name: 'g', help: 'G.', labels: ['of'] });
  gauge.with('a').set(Number.NaN);
  gauge.with('b').set(1);
  assert.deepEqual(
    (await metrics.json()).flatMap(({ values }) => values),
    [{ value: 1, labels: { of: 'b' } }],
  );
});

test('of workers that have ended the sums remain, and not the gauges', async () => {
  const ended = await totals([await totals([await worker(1), await worker(2)]), await worker(4)]);
  const text = await mergeMetrics([ended, await worker(8)]);
  assert.match(text, /^calls_total\{method="pi",code="OK"\} 15$/m);
  assert.match(text, /^duration_seconds_count\{method="pi"\} 4$/m);
  assert.match(text, /^in_flight 8$/m);
});

test('the process itself is shown, and merges', async () => {
  const metrics = makeMetrics();
  const text = await metrics.text();
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    assert.match(text, new RegExp(`^${name} \\d`, 'm'));
  }
  const json: typeof metrics.json extends () => Promise<infer J> ? J : never = JSON.parse(
    JSON.stringify(await metrics.json()),
  );
  const merged = await mergeMetrics([json, json]);
  assert.match(merged, /^process_resident_memory_bytes \d/m);
  assert.doesNotMatch(merged, /null/);
});

test('who shows what is looked up is asked each time before somebody reads, until it ends that', async () => {
  const metrics = makeMetrics({ process: false });
  const gauge = metrics.gauge({ name: 'looked_up', help: 'h' }).with();
  let looks = 0;
  const end = metrics.onRead(() => gauge.set(++looks));
  assert.match(await metrics.text(), /^looked_up 1$/m);
  assert.equal((await metrics.json())[0]!.values[0]!.value, 2);
  assert.equal(looks, 2);
  end();
  assert.match(await metrics.text(), /^looked_up 2$/m);
});
