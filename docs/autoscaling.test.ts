/** The worked example of an autoscaler by calls in flight: code, rule, values and page name the same things. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { metricsTable } from './metrics.ts';

interface Rule {
  seriesQuery: string;
  resources: { overrides: Record<string, { resource: string }> };
  name: { as: string };
  metricsQuery: string;
}

interface Metric {
  type: string;
  pods: { metric: { name: string } };
}

const chart = 'charts/evenkeel';
const read = (file: string) => readFileSync(file, 'utf8');
const values = (file: string) => parse(read(`${chart}/${file}`)).server;

const [, section = ''] = /^## Autoscaling\n(.*?)^## /ms.exec(read('docs/kubernetes.md')) ?? [];
const [, adapter = ''] = /^```yaml\n(.*?)^```$/ms.exec(section) ?? [];
const rules: Rule[] = parse(adapter).rules.custom;
const rule = rules[0]!;

test('the metric that autoscalers go by is the one that the rule makes', () => {
  assert.equal(rules.length, 1);
  for (const file of ['values-autoscale-calls.yaml', 'ci/autoscaling-values.yaml']) {
    const metrics: Metric[] = values(file).autoscaling.metrics;
    assert.deepEqual(
      metrics.map(({ type, pods }) => [type, pods.metric.name]),
      [['Pods', rule.name.as]],
      file,
    );
  }
  const [, asked] = /pods\/\*\/(\w+)'/.exec(section) ?? [];
  assert.equal(asked, rule.name.as, 'what the page asks the API server for');
});

test('the series of the rule is one that servers have', async () => {
  const [, series = ''] = /^(\w+)\{/.exec(rule.seriesQuery) ?? [];
  const histogram = series.replace(/_sum$/, '');
  assert.notEqual(histogram, series);
  const row = (await metricsTable()).split('\n').find((line) => line.startsWith(`| \`${histogram}\` |`));
  assert.match(row ?? '', /\| histogram \|.*\| servers \|/, histogram);
});

test('the rule goes by labels that the ServiceMonitor of the values brings, over four scrapes or more', () => {
  const { serviceMonitor } = values('values-autoscale-calls.yaml');
  assert.equal(serviceMonitor.enabled, true);
  // The operator labels what it finds by a ServiceMonitor with these; the metrics API knows pods by both.
  const labels = ['namespace', 'pod'];
  assert.deepEqual(
    [...rule.seriesQuery.matchAll(/(\w+)!=""/g)].map(([, label]) => label),
    labels,
  );
  assert.deepEqual(
    Object.entries(rule.resources.overrides),
    labels.map((label) => [label, { resource: label }]),
  );
  const [, range] = /\[(\d+)m\]/.exec(rule.metricsQuery) ?? [];
  const [, interval] = /^(\d+)s$/.exec(parse(read(`${chart}/charts/server/values.yaml`)).serviceMonitor.interval) ?? [];
  assert.ok(Number(range) * 60 >= 4 * Number(interval), `${range} min of scrapes every ${interval} s`);
});
