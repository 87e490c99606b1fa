import type { EChartsOption, SeriesOption } from 'echarts';
import type { Timeline } from '../timeline.ts';
import { font, heading } from './heading.ts';
import { type Lane, lanesOf } from './lane.ts';
import { standIn } from './palette.ts';
import type { Drawing } from './picture.ts';

/** An event on the time axis, seconds since the load began. */
export interface EventMark {
  index: number;
  at: number;
  settled: number;
  ok: boolean;
  /** False if nothing was done: time to compare with, or to wait in. */
  done: boolean;
}

/** Room for the events' numbers. */
const top = 34;
const gap = 12;

/** The run: its lanes over one time axis. */
export function lanes(timeline: Timeline, events: readonly EventMark[]): Drawing {
  return (width) => stacked(lanesOf(timeline, width < narrowest), timeline.length, events, width);
}

/** Under this width everything is smaller, and words are shorter. */
export const narrowest = 600;

/** Lanes over one time axis of that many seconds. */
export function stacked(
  all: readonly Lane[],
  length: number,
  events: readonly EventMark[],
  width: number,
): ReturnType<Drawing> {
  const narrow = width < narrowest;
  const left = narrow ? 46 : 74;
  const tops: number[] = [];
  const headings: object[] = [];
  let y = events.length > 0 ? top : 0;
  for (const lane of all) {
    const words = heading(lane, width - 8);
    headings.push(...words.at(y));
    tops.push(y + words.height);
    y += words.height + lane.height + gap;
  }
  const height = y + 22;
  const option: EChartsOption = {
    animation: false,
    textStyle: { fontFamily: font, color: standIn('ink') },
    // Without `none` a lane with long labels would shrink, and the lanes would no longer have one time axis.
    grid: all.map(({ height }, index) => ({ left, right: 12, top: tops[index]!, height, outerBoundsMode: 'none' })),
    xAxis: all.map((_, index) => timeAxis(index, length, index === all.length - 1)),
    yAxis: all.map((lane, index) => valueAxis(lane, index, narrow)),
    series: [
      ...all.flatMap((lane, index) => [
        bands(index, events),
        ...lane.series.map((series) => ({ ...series, xAxisIndex: index, yAxisIndex: index }) as SeriesOption),
      ]),
    ],
    graphic: [...marks(events, length, { left, right: 12, width }), ...headings],
  };
  return { option, height };
}

/** The time from each event until it had settled, shaded. */
function bands(index: number, events: readonly EventMark[]): SeriesOption {
  return {
    ...{ type: 'line', xAxisIndex: index, yAxisIndex: index, silent: true, data: [], z: 0 },
    markArea: {
      silent: true,
      itemStyle: { color: standIn('band'), opacity: 1 },
      data: events.map(({ at, settled }) => [{ xAxis: at }, { xAxis: settled }]),
    },
    markLine: {
      ...{ silent: true, symbol: 'none', label: { show: false } },
      lineStyle: { color: standIn('soft'), width: 1, type: 'solid' },
      data: events.map(({ at }) => ({ xAxis: at })),
    },
  };
}

function timeAxis(index: number, length: number, labelled: boolean) {
  return {
    ...{ type: 'value' as const, gridIndex: index, min: 0, max: Math.max(1, length) },
    axisLine: { lineStyle: { color: standIn('line') } },
    axisTick: { show: labelled, lineStyle: { color: standIn('line') } },
    splitLine: { show: false },
    axisLabel: {
      ...{ show: labelled, color: standIn('soft'), fontSize: 11, showMaxLabel: false },
      formatter: (value: number) => `${value} s`,
    },
  };
}

function valueAxis(lane: Lane, index: number, narrow: boolean) {
  const text = { color: standIn('soft'), fontSize: narrow ? 10 : 11 };
  const rule = { lineStyle: { color: standIn('line'), width: 1 } };
  if ('rows' in lane.axis) {
    return {
      ...{ type: 'category' as const, gridIndex: index, data: lane.axis.rows, inverse: true },
      ...{ axisLine: { show: false }, axisTick: { show: false }, axisLabel: { ...text, interval: 0 } },
      splitLine: { show: true, ...rule },
    };
  }
  const { type, format, min, max } = lane.axis;
  return {
    ...{ type, gridIndex: index, splitNumber: 2, splitLine: rule },
    ...{ axisLine: { show: false }, axisTick: { show: false } },
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(type === 'value' && { minInterval: 1 }),
    axisLabel: { ...text, ...(format && { formatter: format }) },
  };
}

interface Frame {
  left: number;
  right: number;
  width: number;
}

/** The radius of a number, and the least distance of two. */
const [radius, distance] = [11, 25];

/** The events' numbers at the top: filled if something was done, a ring if not, and with a cross if it went wrong. */
function marks(events: readonly EventMark[], length: number, frame: Frame): object[] {
  const perSecond = (frame.width - frame.left - frame.right) / Math.max(1, length);
  const points = events.map(({ at }) => frame.left + at * perSecond);
  const places = apart(points, frame.width - frame.right);
  return events.flatMap(({ index, ok, done }, order) => {
    const x = places[order]!;
    const colour = standIn(ok ? 'ink' : 'red');
    return [
      {
        type: 'line',
        silent: true,
        shape: { x1: x, y1: 24, x2: points[order], y2: top + 4 },
        style: { stroke: standIn('soft') },
      },
      {
        ...{ type: 'circle', silent: true, shape: { cx: x, cy: 13, r: done ? radius : radius - 1 } },
        style: done ? { fill: colour } : { fill: standIn('page'), stroke: colour, lineWidth: 2 },
      },
      {
        ...{ type: 'text', silent: true, x, y: 13 },
        style: {
          ...{ text: ok ? String(index) : `${index}✘`, fill: done ? standIn('page') : colour },
          font: `bold 12px ${font}`,
          ...{ align: 'center', verticalAlign: 'middle' },
        },
      },
    ];
  });
}

/** The same places, moved as little to the right, and where that has an end to the left, as keeps them apart. */
function apart(points: readonly number[], right: number): number[] {
  const places = [...points];
  for (let i = 1; i < places.length; i++) places[i] = Math.max(places[i]!, places[i - 1]! + distance);
  for (let i = places.length - 1, most = right; i >= 0; i--, most -= distance) places[i] = Math.min(places[i]!, most);
  return places;
}
