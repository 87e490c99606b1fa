import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemReturn, SeriesOption } from 'echarts';
import type { AutoscalerPoint, Bucket, GatewayPoint, ReplicaPoint, Timeline, WeightLane } from '../timeline.ts';
import { type Colour, standIn } from './palette.ts';
import { shortName } from './words.ts';

/** Lengths of strokes and gaps, px: the same in a line and in its legend. */
export const dashes = { dashed: [6, 3], dotted: [2, 3], dashdotted: [9, 3, 2, 3] };

/** How ECharts draws the strokes of a line. */
export function strokes({ dash }: Look): 'solid' | number[] {
  return dash === undefined ? 'solid' : dashes[dash];
}

/** How a line, a surface or a point is drawn. What tells them apart besides colour: width, dashes, being filled, shape. */
export interface Look {
  colour: Colour;
  /** Of the line; a surface has none. */
  width?: number;
  dash?: keyof typeof dashes;
  filled?: boolean;
  /** An outline instead of a surface. */
  hollow?: boolean;
  shape?: 'diamond';
}

/** One strip of the picture. */
export interface Lane {
  title: string;
  height: number;
  series: SeriesOption[];
  legend: { word: string; look: Look }[];
  axis: { type: 'value' | 'log'; min?: number; max?: number; format?: (value: number) => string } | { rows: string[] };
}

interface Line {
  name: string;
  look: Look;
  step?: boolean;
  /** Drawn under the others: seen where it goes its own way. */
  under?: boolean;
  points: [number, number | null][];
}

/** Those of a run, from top to bottom. */
export function lanesOf(timeline: Timeline, narrow: boolean): Lane[] {
  return [
    replicaLane(timeline),
    ...(timeline.autoscaler.length > 0 ? [autoscalerLane(timeline)] : []),
    ...(timeline.gateways.length > 0 ? [gatewayLane(timeline)] : []),
    rateLane(timeline.buckets, timeline.width),
    latencyLane(timeline.buckets, timeline.width),
    troubleLane(timeline.buckets, timeline.width, narrow),
    weightLane(timeline.weights, narrow),
  ];
}

/** A lane of lines and its legend. */
export function lineLane(title: string, height: number, axis: Lane['axis'], lines: readonly Line[]): Lane {
  return {
    ...{ title, height, axis },
    legend: lines.map(({ name, look }) => ({ word: name, look })),
    series: lines.map(line),
  };
}

/** Steps that go on until the end of the run. */
function steps<P extends { t: number }>(
  course: readonly P[],
  length: number,
  pick: (point: P) => number | undefined,
): [number, number | null][] {
  const last = course.at(-1);
  return [
    ...course.map((point): [number, number | null] => [point.t, pick(point) ?? null]),
    ...(last === undefined ? [] : [[length, pick(last) ?? null] as [number, number | null]]),
  ];
}

function autoscalerLane({ autoscaler, length }: Timeline): Lane {
  const points = (pick: (point: AutoscalerPoint) => number) => steps(autoscaler, length, pick);
  const most = Math.max(...autoscaler.map(({ max, desired }) => Math.max(max, desired)));
  return lineLane('Autoscaler', 60, { type: 'value', min: 0, max: most + 1 }, [
    { name: 'wants', look: { colour: 'blue', width: 2, filled: true }, step: true, points: points((p) => p.desired) },
    { name: 'at most', look: { colour: 'ink', width: 1.5, dash: 'dashed' }, step: true, points: points((p) => p.max) },
    { name: 'at least', look: { colour: 'soft', width: 2, dash: 'dotted' }, step: true, points: points((p) => p.min) },
  ]);
}

function gatewayLane({ gateways, length }: Timeline): Lane {
  const points = (pick: (point: GatewayPoint) => number) => steps(gateways, length, pick);
  const most = Math.max(...gateways.map(({ ready, desired }) => Math.max(ready, desired)));
  return lineLane('Gateways', 50, { type: 'value', min: 0, max: most + 1 }, [
    { name: 'ready', look: { colour: 'blue', width: 2, filled: true }, step: true, points: points((p) => p.ready) },
    {
      name: 'wanted',
      look: { colour: 'ink', width: 1.5, dash: 'dashed' },
      step: true,
      points: points((p) => p.desired),
    },
    ...publishedLine(gateways, length),
  ]);
}

/** Of what Kubernetes publishes; nothing where it was never read. */
function publishedLine(course: readonly (ReplicaPoint | GatewayPoint)[], length: number): Line[] {
  if (course.every(({ published }) => published === undefined)) return [];
  const look: Look = { colour: 'green', width: 1.5, dash: 'dashdotted' };
  const points = steps(course, length, ({ published }) => published);
  return [{ name: 'published', look, step: true, under: true, points }];
}

function replicaLane({ replicas, length }: Timeline): Lane {
  const points = (pick: (point: ReplicaPoint) => number | undefined) => steps(replicas, length, pick);
  const most = Math.max(1, ...replicas.flatMap(({ desired, ready, registered = 0 }) => [desired, ready, registered]));
  return lineLane('Servers', 84, { type: 'value', min: 0, max: most + 1 }, [
    { name: 'ready', look: { colour: 'blue', width: 2, filled: true }, step: true, points: points((p) => p.ready) },
    {
      name: 'wanted',
      look: { colour: 'ink', width: 1.5, dash: 'dashed' },
      step: true,
      points: points((p) => p.desired),
    },
    {
      ...{ name: 'in the registry', look: { colour: 'orange', width: 2.5, dash: 'dotted' }, step: true },
      points: points((p) => p.registered),
    },
    ...publishedLine(replicas, length),
  ]);
}

function rateLane(buckets: readonly Bucket[], width: number): Lane {
  const points = (pick: (bucket: Bucket) => number) => middles(buckets, width, pick);
  return lineLane('Calls a second', 84, { type: 'value', min: 0 }, [
    { name: 'right answers', look: { colour: 'blue', width: 2, filled: true }, points: points((b) => b.achieved) },
    { name: 'due', look: { colour: 'ink', width: 1.5, dash: 'dashed' }, points: points((b) => b.offered) },
  ]);
}

function latencyLane(buckets: readonly Bucket[], width: number): Lane {
  const values = buckets.flatMap(({ p50, p99 }) => [p50, p99]).filter((value) => value !== undefined);
  // From a round value below to a round one above, on a scale of powers of ten.
  const [low, high] = [Math.min(1000, ...values), Math.max(1, ...values)].map((value) =>
    Math.log10(Math.max(0.1, value)),
  );
  const floor = 10 ** Math.floor(low! + 0.001);
  const points = (pick: (bucket: Bucket) => number | undefined) => middles(buckets, width, pick);
  const axis: Lane['axis'] = {
    ...{ type: 'log', min: floor, max: 10 ** Math.max(Math.log10(floor) + 1, Math.ceil(high! - 0.001)) },
    format: (ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`),
  };
  return lineLane('Latency', 110, axis, [
    { name: 'p99', look: { colour: 'red', width: 2.5 }, points: points((b) => b.p99) },
    { name: 'p95', look: { colour: 'orange', width: 1.5, dash: 'dashed' }, points: points((b) => b.p95) },
    { name: 'p50', look: { colour: 'blue', width: 1.5 }, points: points((b) => b.p50) },
  ]);
}

/** Bars, the worst at the bottom: there a single one can be seen. */
function troubleLane(buckets: readonly Bucket[], width: number, narrow: boolean): Lane {
  const unknown = narrow ? 'unknown' : 'unknown, and said so';
  const kinds: { word: string; look: Look; pick: (bucket: Bucket) => number }[] = [
    { word: 'failed', look: { colour: 'red', filled: true }, pick: (b) => b.failed },
    { word: unknown, look: { colour: 'orange', hollow: true }, pick: (b) => b.unknown },
    { word: 'never sent', look: { colour: 'ink', filled: true }, pick: (b) => b.dropped },
    { word: 'sent again', look: { colour: 'paleblue', filled: true }, pick: (b) => b.retried },
  ];
  const data = buckets.flatMap((bucket) => {
    let floor = 0;
    return kinds.flatMap(({ look, pick }) => {
      const value = pick(bucket) / width;
      if (value === 0) return [];
      floor += value;
      return [
        {
          value: [bucket.t, bucket.t + width, floor - value, floor, look.hollow ? 1 : 0],
          itemStyle: { color: standIn(look.colour) },
        },
      ];
    });
  });
  if (data.length === 0) {
    const axis: Lane['axis'] = { type: 'value', min: 0, max: 1, format: () => '' };
    return { title: 'Trouble: none', height: 8, legend: [], axis, series: [] };
  }
  const most = Math.max(0, ...data.map(({ value }) => value[3]!));
  return {
    ...{ title: 'Trouble, calls a second', height: 70, legend: kinds.map(({ word, look }) => ({ word, look })) },
    axis: { type: 'value', min: 0, max: Math.max(5, Math.ceil(most / 5) * 5) },
    // ECharts' own bars widen the axis by half a bar, and the lanes would no longer have one time axis.
    series: [
      { type: 'custom', name: 'trouble', silent: true, renderItem: bar, data, encode: { x: [0, 1], y: [2, 3] } },
    ],
  };
}

/** A row for each server: the higher the bar, the more weight, each halving one step down. */
function weightLane(weights: readonly WeightLane[], narrow: boolean): Lane {
  const slot = Math.max(0, ...weights.map(({ points }) => points.at(-1)?.t ?? 0)) / (narrow ? 150 : 400);
  const data = weights.flatMap(({ points: all }, row) => {
    const points = thinned(all.filter(isNews), slot);
    return points.slice(0, -1).flatMap((point, index) => {
      if (point.state === 'absent') return [];
      const steps = Math.log2(point.base) + 1;
      const height = Math.max(0.08, (Math.log2(Math.max(0.5, point.weight ?? 0)) + 1) / steps);
      const itemStyle = { color: standIn(weightColour(point.state, height)) };
      return [{ value: [point.t, points[index + 1]!.t, row, height, point.state === 'draining' ? 1 : 0], itemStyle }];
    });
  });
  // Many servers may come and go: the rows share what there is of height.
  const rowHeight = Math.min(22, Math.max(5, 500 / Math.max(1, weights.length)));
  return {
    title: narrow ? 'Weight of each server' : 'Weight of each server as the gateways see it',
    height: Math.max(1, weights.length) * rowHeight,
    legend: [
      { word: 'full', look: { colour: 'blue', filled: true } },
      { word: 'reduced', look: { colour: 'paleblue', filled: true } },
      { word: 'draining', look: { colour: 'soft', hollow: true } },
      { word: narrow ? 'cut off' : 'suspended or not connected', look: { colour: 'orange', filled: true } },
    ],
    axis: { rows: weights.map(({ server }) => (narrow ? server.replace(/^.*-/, '') : shortName(server))) },
    series: [
      { type: 'custom', name: 'weight', silent: true, renderItem: weightBar, data, encode: { x: [0, 1], y: 2 } },
    ],
  };
}

/** What weight is left to a server that gets no new calls says nothing. */
function isNews(point: WeightPoint, index: number, points: readonly WeightPoint[]): boolean {
  return point.state !== 'draining' || points[index - 1]?.state !== 'draining' || index === points.length - 1;
}

type WeightPoint = WeightLane['points'][number];

/** The least weight of each stretch so long, and what it ended with: what is narrower than a line can be seen by nobody. */
function thinned(points: readonly WeightPoint[], slot: number): WeightPoint[] {
  const groups = Map.groupBy(points, ({ t }) => Math.floor(t / Math.max(slot, 0.001)));
  return [...groups.values()].flatMap((group) => {
    const [first, last] = [group[0]!, group.at(-1)!];
    const worst = group.reduce((a, b) => ((b.weight ?? 0) < (a.weight ?? 0) ? b : a));
    return worst === last ? [{ ...last, t: first.t }] : [{ ...worst, t: first.t }, last];
  });
}

function weightColour(state: string, height: number): Colour {
  if (state === 'draining') return 'soft';
  if (state !== 'live') return 'orange';
  return height > 0.999 ? 'blue' : 'paleblue';
}

function bar(_: unknown, api: CustomSeriesRenderItemAPI): CustomSeriesRenderItemReturn {
  const [x1, low] = api.coord([api.value(0), api.value(2)]) as [number, number];
  const [x2, high] = api.coord([api.value(1), api.value(3)]) as [number, number];
  return {
    type: 'rect',
    shape: {
      x: x1 + 0.5,
      y: Math.min(high, low - 2),
      width: Math.max(1, x2 - x1 - 1),
      height: Math.max(2, low - high),
    },
    style: surface(api),
  };
}

function weightBar(_: unknown, api: CustomSeriesRenderItemAPI): CustomSeriesRenderItemReturn {
  const [x1, middle] = api.coord([api.value(0), api.value(2)]) as [number, number];
  const [x2] = api.coord([api.value(1), api.value(2)]) as [number, number];
  const row = (api.size!([0, 1]) as number[])[1]! - 4;
  const height = row * Number(api.value(3));
  return {
    type: 'rect',
    // Wider than it is: neighbours would show a seam. The next one is drawn over it.
    shape: { x: x1, y: middle + row / 2 - height, width: x2 - x1 + (api.value(4) === 1 ? 0 : 0.7), height },
    style: surface(api),
  };
}

function surface(api: CustomSeriesRenderItemAPI) {
  const colour = api.visual('color') as string;
  return api.value(4) === 1 ? { fill: standIn('page'), stroke: colour, lineWidth: 1.5 } : { fill: colour };
}

function line({ name, look, step, under, points }: Line): SeriesOption {
  const { colour, width = 1, filled } = look;
  return {
    ...{ type: 'line', name, symbol: 'none', silent: true, data: points, connectNulls: false },
    ...(step && { step: 'end' as const }),
    ...(under && { z: 1 }),
    lineStyle: { color: standIn(colour), width, type: strokes(look) },
    ...(filled && { areaStyle: { color: standIn(colour), opacity: 0.18 } }),
  };
}

function middles(
  buckets: readonly Bucket[],
  width: number,
  pick: (bucket: Bucket) => number | undefined,
): [number, number | null][] {
  return buckets.map((bucket) => [bucket.t + width / 2, pick(bucket) ?? null]);
}
