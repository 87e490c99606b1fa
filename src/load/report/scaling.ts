import type { EChartsOption, SeriesOption } from 'echarts';
import { type Capacity, type CapacityPoint, wantedEfficiency } from '../capacity.ts';
import { font, heading } from './heading.ts';
import { type Look, strokes } from './lane.ts';
import { standIn } from './palette.ts';
import type { Drawing } from './picture.ts';
import { count, percent } from './words.ts';

/** What the servers of one run could do, as a line of the picture. */
export interface Course {
  name: string;
  look: Look;
  /** At least one; the fewest servers first. */
  points: readonly Pick<CapacityPoint, 'servers' | 'rate' | 'efficiency'>[];
}

/** Throughput against servers, with the ideal line and the efficiency. */
export function scaled({ points }: Capacity): Drawing {
  return scaledTogether([{ name: 'right answers a second', look: { colour: 'blue', width: 2.5 }, points }]);
}

/** The same of several runs, without the figures at the points: they would lie on each other. The ideal is that of the first. */
export function scaledTogether(courses: readonly Course[]): Drawing {
  return (width) => {
    const narrow = width < 600;
    const alone = courses.length === 1;
    const words = heading(
      { title: narrow ? 'Throughput' : 'Throughput against servers', legend: legendOf(courses) },
      width - 8,
    );
    const height = narrow ? 240 : 300;
    const all = courses.flatMap(({ points }) => points);
    const most = Math.max(...all.map(({ servers }) => servers));
    const [least] = courses[0]!.points;
    const ideal = (most * least!.rate) / least!.servers;
    const top = Math.max(ideal, ...all.map(({ rate }) => rate));
    return {
      height: words.height + height + 46,
      option: {
        animation: false,
        textStyle: { fontFamily: font, color: standIn('ink') },
        // On the right there is room for the figures of the last point.
        grid: {
          ...{ left: narrow ? 46 : 74, right: narrow ? 92 : 110, top: words.height + 8, height },
          outerBoundsMode: 'none',
        },
        ...axes(most, top, narrow),
        series: [idealLine(most, ideal), ...courses.map((course) => line(course, alone, narrow))],
        graphic: words.at(0),
      },
    };
  };
}

/** A point under the wanted efficiency is a diamond, not only another colour. */
const full: Look = { colour: 'orange', shape: 'diamond' };

function legendOf(courses: readonly Course[]): { word: string; look: Look }[] {
  const isFull = courses.some(({ points }) => points.some(({ efficiency }) => efficiency < wantedEfficiency));
  const look: Look = courses.length === 1 ? full : { ...full, colour: 'soft' };
  return [
    ...courses.map(({ name, look }) => ({ word: name, look })),
    { word: 'ideal', look: { colour: 'ink', width: 1.5, dash: 'dashed' } },
    ...(isFull ? [{ word: 'efficiency under 0.9', look }] : []),
  ];
}

function axes(most: number, top: number, narrow: boolean): Pick<EChartsOption, 'xAxis' | 'yAxis'> {
  const text = { color: standIn('soft'), fontSize: narrow ? 10 : 11 };
  const rule = { lineStyle: { color: standIn('line'), width: 1 } };
  return {
    xAxis: {
      ...{ type: 'value', min: 0, max: most, minInterval: 1, splitLine: { show: false } },
      ...{ name: 'servers', nameLocation: 'middle', nameGap: 24, nameTextStyle: text },
      ...{ axisLine: rule, axisLabel: text },
    },
    yAxis: {
      ...{ type: 'value', min: 0, ...roundScale(top * 1.05), splitLine: rule, axisLabel: text },
      ...{ axisLine: { show: false }, axisTick: { show: false } },
    },
  };
}

function idealLine(most: number, ideal: number): SeriesOption {
  const data = [0, most].map((servers) => [servers, (ideal * servers) / most]);
  const lineStyle = { color: standIn('ink'), width: 1.5, type: 'dashed' as const };
  return { type: 'line', silent: true, symbol: 'none', data, lineStyle };
}

function line({ look, points }: Course, alone: boolean, narrow: boolean): SeriesOption {
  return {
    ...{ type: 'line', silent: true, z: 3 },
    lineStyle: { color: standIn(look.colour), width: look.width ?? 2, type: strokes(look) },
    data: points.map(({ servers, rate, efficiency }) => {
      const isFull = efficiency < wantedEfficiency;
      return {
        value: [servers, rate],
        ...{ symbol: isFull ? 'diamond' : 'circle', symbolSize: isFull ? 15 : 11 },
        itemStyle: { color: standIn(isFull && alone ? full.colour : look.colour) },
        label: {
          ...{ show: alone, color: standIn('ink'), fontSize: narrow ? 11 : 13, fontWeight: 'bold' as const },
          // Beside the rising line there is room under it.
          ...{ position: 'right' as const, offset: [0, 13] },
          formatter: `${count(Math.round(rate))}/s, ${percent(efficiency)}`,
        },
      };
    }),
  };
}

/** About five round steps that reach that far. */
function roundScale(top: number): { interval: number; max: number } {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, top / 5)));
  const interval = unit * [1, 2, 2.5, 5, 10].find((step) => unit * step >= top / 5)!;
  return { interval, max: interval * Math.ceil(top / interval) };
}
