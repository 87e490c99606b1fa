import type { EChartsOption, SeriesOption } from 'echarts';
import type { Timeline } from '../timeline.ts';
import { font, heading } from './heading.ts';
import { type Lane, lanesOf } from './lane.ts';
import { standIn } from './palette.ts';

/** An event on the time axis, seconds since the load began. */
export interface EventMark {
  index: number;
  at: number;
  settled: number;
  ok: boolean;
}

const top = 34;
const gap = 12;

/** All lanes over one time axis, as an option for ECharts. */
export function lanes(
  timeline: Timeline,
  events: readonly EventMark[],
  width: number,
): { option: EChartsOption; height: number } {
  const narrow = width < 600;
  const left = narrow ? 46 : 74;
  const all = lanesOf(timeline, narrow);
  const tops: number[] = [];
  const headings: object[] = [];
  let y = top;
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
    xAxis: all.map((_, index) => timeAxis(index, timeline.length, index === all.length - 1)),
    yAxis: all.map((lane, index) => valueAxis(lane, index, narrow)),
    series: [
      ...all.flatMap((lane, index) => [
        bands(index, events),
        ...lane.series.map((series) => ({ ...series, xAxisIndex: index, yAxisIndex: index }) as SeriesOption),
      ]),
    ],
    graphic: [...marks(events, timeline.length, { left, right: 12, width }), ...headings],
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

/** The events' numbers at the top; those that went wrong have a cross. */
function marks(events: readonly EventMark[], length: number, frame: Frame): object[] {
  const perSecond = (frame.width - frame.left - frame.right) / Math.max(1, length);
  return events.flatMap(({ index, at, ok }) => {
    const x = frame.left + at * perSecond;
    const colour = standIn(ok ? 'ink' : 'red');
    return [
      {
        type: 'line',
        silent: true,
        shape: { x1: x, y1: 24, x2: x, y2: top + 4 },
        style: { stroke: standIn('soft') },
      },
      { type: 'circle', silent: true, shape: { cx: x, cy: 13, r: 11 }, style: { fill: colour } },
      {
        ...{ type: 'text', silent: true, x, y: 13 },
        style: {
          ...{ text: ok ? String(index) : `${index}✘`, fill: standIn('page') },
          font: `bold 12px ${font}`,
          ...{ align: 'center', verticalAlign: 'middle' },
        },
      },
    ];
  });
}
