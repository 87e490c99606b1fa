import { wasCut } from './audit.ts';
import type { ClusterState } from './cluster.ts';
import { commonView } from './gateways.ts';
import type { Recording } from './recording.ts';
import { latency, type Sample } from './sample.ts';
import { quantile, sorted } from './statistics.ts';

/** What happened to the calls in one stretch of time. */
export interface Bucket {
  /** Begin, seconds since the load began. */
  t: number;
  /** Calls that were due, a second. */
  offered: number;
  /** Right answers that came, a second. */
  achieved: number;
  /** Latency of the calls that were due in it, ms; undefined when none was. */
  p50: number | undefined;
  p95: number | undefined;
  p99: number | undefined;
  /** Calls that ended in it otherwise than with the right answer, or that were due in it and never ended. */
  failed: number;
  /** Calls that must not run twice and ended in it in an error that said "it may have run"; not among `failed`. */
  unknown: number;
  /** Calls that ended in it and had been sent to servers more than once. */
  retried: number;
  /** Calls that were due in it and never sent. */
  dropped: number;
}

export interface ReplicaPoint {
  t: number;
  desired: number;
  ready: number;
  registered: number | undefined;
  /** Those that EndpointSlices name as ready. */
  published: number | undefined;
}

export interface GatewayPoint {
  t: number;
  desired: number;
  ready: number;
  published: number | undefined;
}

export interface AutoscalerPoint {
  t: number;
  min: number;
  max: number;
  desired: number;
}

/** One server's weight over time; a point at each change. Undefined = the gateway does not know it (yet, any more). */
export interface WeightLane {
  server: string;
  points: readonly { t: number; weight: number | undefined; base: number; state: string }[];
}

/** Samples and cluster states on one clock: seconds since the load began. */
export interface Timeline {
  /** Seconds. */
  length: number;
  /** Width of `buckets`, seconds. */
  width: number;
  buckets: readonly Bucket[];
  replicas: readonly ReplicaPoint[];
  /** Empty where there was one all the time. */
  gateways: readonly GatewayPoint[];
  /** Empty where there was none. */
  autoscaler: readonly AutoscalerPoint[];
  weights: readonly WeightLane[];
}

type Seconds = (at: number) => number;

/** Puts a recording on one clock. `width` of the buckets in ms. */
export function timeline(recording: Recording, width = 1000): Timeline {
  // A state may be a moment older than the load.
  const seconds = (at: number) => Math.max(0, (at - recording.began) / 1000);
  const length = seconds(recording.ended);
  return {
    length,
    width: width / 1000,
    buckets: buckets(recording, width, Math.max(1, Math.floor((length * 1000) / width))),
    replicas: replicas(recording.states, seconds),
    gateways: gateways(recording.states, seconds),
    autoscaler: autoscaler(recording.states, seconds),
    weights: weights(recording.states, seconds),
  };
}

function buckets(recording: Recording, width: number, count: number): Bucket[] {
  const { samples, dropped, began, ended } = recording;
  const cells = Array.from({ length: count }, (_, index) => ({
    ...{ t: (index * width) / 1000, offered: 0, achieved: 0, failed: 0, unknown: 0, retried: 0, dropped: 0 },
    latencies: [] as number[],
  }));
  // Nothing is left out: what happened before the first or after the last bucket counts there. A rest shorter than a bucket
  // is part of the last, whose rates count its true width.
  const cell = (at: number) => cells[Math.min(count - 1, Math.max(0, Math.floor((at - began) / width)))]!;
  for (const sample of samples) {
    const due = cell(sample.intended);
    due.offered++;
    const took = latency(sample);
    if (took !== undefined) due.latencies.push(took);
    const end = cell(endOf(sample));
    if (sample.end?.outcome === 'ok') end.achieved++;
    else if (sample.unsafe && sample.end?.mayHaveExecuted) end.unknown++;
    else if (!wasCut(sample, recording)) end.failed++;
    if ((sample.end?.attempts ?? 1) > 1) end.retried++;
  }
  for (const { at, count } of dropped) {
    cell(at).dropped += count;
    cell(at).offered += count;
  }
  return cells.map(({ latencies, offered, achieved, ...cell }, index) => {
    const values = sorted(latencies);
    const seconds = (index < count - 1 ? width : ended - began - index * width) / 1000;
    const rates = { offered: offered / seconds, achieved: achieved / seconds };
    return { ...cell, ...rates, p50: quantile(values, 0.5), p95: quantile(values, 0.95), p99: quantile(values, 0.99) };
  });
}

function endOf(sample: Sample): number {
  return sample.end?.at ?? sample.intended;
}

function replicas(states: readonly ClusterState[], seconds: Seconds): ReplicaPoint[] {
  return changes(
    states.map(({ at, desired, ready, registered, published }) => {
      return { t: seconds(at), desired, ready, registered, published };
    }),
  );
}

function gateways(states: readonly ClusterState[], seconds: Seconds): GatewayPoint[] {
  const points = changes(
    states.map(({ at, desiredGateways: desired, gateways, publishedGateways: published }) => {
      const ready = gateways.filter(({ phase }) => phase === 'ready').length;
      return { t: seconds(at), desired, ready, published };
    }),
  );
  return points.every(({ desired, ready }) => desired === 1 && ready === 1) ? [] : points;
}

function autoscaler(states: readonly ClusterState[], seconds: Seconds): AutoscalerPoint[] {
  return changes(states.flatMap(({ at, autoscaler }) => (autoscaler ? [{ t: seconds(at), ...autoscaler }] : [])));
}

/** The points that differ from the one before, and the last one. */
function changes<P extends { t: number }>(points: readonly P[]): P[] {
  const told: P[] = [];
  for (const [index, point] of points.entries()) {
    const last = told.at(-1);
    const same =
      last !== undefined &&
      Object.entries(point).every(([key, value]) => key === 't' || last[key as keyof P] === value);
    if (!same || index === points.length - 1) told.push(point);
  }
  return told;
}

function weights(states: readonly ClusterState[], seconds: Seconds): WeightLane[] {
  // Who was gone before the load began is nobody's lane.
  const present = states.flatMap(({ servers }) => servers.filter(({ phase }) => phase !== 'gone'));
  const names = [...new Set(present.map(({ name }) => name))];
  const views = states.map(commonView);
  return names.map((server) => {
    let base = 1024;
    const points = states.map(({ at, servers }, index) => {
      const node = views[index]!.find((candidate) => candidate.server === server);
      const phase = servers.find(({ name }) => name === server)?.phase;
      // A gateway still lists a node for a while that is gone: it has a weight, and nobody there.
      const there = node !== undefined && phase !== 'gone' && phase !== 'starting';
      const connected = there && node.state !== 'connecting';
      base = node?.base ?? base;
      return {
        t: seconds(at),
        weight: connected ? node.weight : undefined,
        base,
        state: there ? node.state : 'absent',
      };
    });
    return { server, points: changes(points) };
  });
}
