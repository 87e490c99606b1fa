/** What is counted. Rooms get one by parameter; `ops/metrics.ts` makes the real one, on prom-client. */
export interface Metrics {
  counter(spec: MetricSpec): Family<Counter>;
  gauge(spec: MetricSpec): Family<Gauge>;
  histogram(spec: MetricSpec): Family<Histogram>;
  /** Calls `update` each time before somebody reads the metrics: for what is looked up then and not kept. Returns what ends it. */
  onRead(update: () => void): () => void;
}

export interface MetricSpec {
  /** As Prometheus will show it, e.g. `evenkeel_retries_total`. */
  name: string;
  help: string;
  /** Label names, in the order in which `with` takes their values. Default: none. */
  labels?: readonly string[];
}

/** All series of one name. `with` is for the set-up path: keep what it gives, and use that on the call's path. */
export interface Family<Series> {
  with(...labelValues: string[]): Series;
  /** Forgets a series, so that nodes that are gone do not stay in the metrics for ever. */
  remove(...labelValues: string[]): void;
}

export interface Counter {
  add(amount?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  /** @param value in seconds where the name ends in `_seconds` */
  observe(value: number): void;
}

const silentSeries = { add() {}, set() {}, observe() {} };
const silentFamily = { with: () => silentSeries, remove() {} };

/** Counts nothing: the default of the library. */
export const silentMetrics: Metrics = {
  counter: () => silentFamily,
  gauge: () => silentFamily,
  histogram: () => silentFamily,
  onRead: () => () => {},
};
