import {
  AggregatorRegistry,
  collectDefaultMetrics,
  type Metric,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import type { MetricSpec, Metrics } from '../core/metrics.ts';
import { CounterSeries, GaugeSeries, HistogramSeries, type Readable, SeriesFamily } from './series.ts';

/** The Content-Type of what `text` and `mergeMetrics` give. */
export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** All metrics of a process as plain data, which survives IPC. */
export type MetricsJson = MetricObjectWithValues<MetricValue<string>>[];

/** Metrics that can be shown. */
export interface ShownMetrics extends Metrics {
  /** In Prometheus' text format, for a process that speaks for itself alone. */
  text(): Promise<string>;
  /** For a process that hands its numbers to another one, which puts them together by `mergeMetrics`. */
  json(): Promise<MetricsJson>;
}

export interface MetricsOptions {
  /** Also show the process itself: CPU, memory, event loop, garbage collection. Default true. */
  process?: boolean;
}

/**
 * Metrics for Prometheus, to be given to `serve` and `connect` as the option `metrics`. A name may be asked for more than once:
 * two clients in one process count into the same series.
 */
export function makeMetrics(options: MetricsOptions = {}): ShownMetrics {
  const registry = new Registry();
  if (options.process ?? true) collectDefaultMetrics({ register: registry });
  const families = new Map<string, SeriesFamily<Readable>>();
  const updates = new Set<{ update: () => void }>();

  function family<F extends SeriesFamily<Readable>>(type: F['type'], spec: MetricSpec, make: () => F): F {
    const known = families.get(spec.name);
    if (known === undefined) {
      const made = make();
      // The registry needs of a metric what a family has; its type asks for the whole class.
      registry.registerMetric(made as unknown as Metric);
      families.set(spec.name, made);
      return made;
    }
    const labels = spec.labels ?? [];
    if (known.type !== type || known.labelNames.join() !== labels.join()) {
      throw new TypeError(
        `${spec.name} is already a ${known.type} with labels (${known.labelNames.join(', ')}), not a ${type} with (${labels.join(', ')})`,
      );
    }
    return known as F;
  }

  return {
    counter: (spec) => family('counter', spec, () => new SeriesFamily('counter', spec, () => new CounterSeries())),
    gauge: (spec) => family('gauge', spec, () => new SeriesFamily('gauge', spec, () => new GaugeSeries())),
    histogram: (spec) =>
      family('histogram', spec, () => new SeriesFamily('histogram', spec, () => new HistogramSeries())),
    onRead(update) {
      const entry = { update };
      updates.add(entry);
      return () => void updates.delete(entry);
    },
    async text() {
      for (const { update } of updates) update();
      return registry.metrics();
    },
    async json() {
      for (const { update } of updates) update();
      return finite(await registry.getMetricsAsJSON());
    },
  };
}

/**
 * Puts the metrics of several processes together, in Prometheus' text format: counters, histograms and gauges are added up;
 * of the process metrics each has its own way (least, most, mean).
 */
export function mergeMetrics(parts: readonly MetricsJson[]): Promise<string> {
  return AggregatorRegistry.aggregate(parts as MetricsJson[]).metrics();
}

/**
 * What remains of processes that have ended: their counters and histograms, added up. Whoever merges the living keeps this
 * and merges it as well, because a sum that falls when a worker dies reads as a restart, and all would be counted again.
 */
export function totals(parts: readonly MetricsJson[]): Promise<MetricsJson> {
  const growing = parts.map((part) => part.filter(({ type }) => ['counter', 'histogram'].includes(String(type))));
  return AggregatorRegistry.aggregate(growing).getMetricsAsJSON();
}

/** Without values that JSON cannot carry: they would arrive as null. */
function finite(metrics: MetricsJson): MetricsJson {
  return metrics.map((metric) => ({ ...metric, values: metric.values.filter(({ value }) => Number.isFinite(value)) }));
}
