import * as echarts from 'echarts';
import { type Colour, standAlone, standIn, withPageColours } from '../../src/load/report/palette.ts';
import type { Result } from '../../src/policy/simulate/recorder.ts';
import { step } from '../../src/policy/simulate/recorder.ts';
import type { Scenario } from '../../src/policy/simulate/scenario.ts';
import { linesOf, type PictureLine } from './lanes.ts';

const width = 960;
const height = 84;
const top = 44;
const pitch = height + 34;
const left = 56;
const font = 'system-ui, sans-serif';

/** The first is the one that most happens to. Told apart by dashes as well. */
const looks: readonly { colour: Colour; type: 'solid' | 'dashed' | 'dotted' }[] = [
  { colour: 'red', type: 'solid' },
  { colour: 'blue', type: 'solid' },
  { colour: 'green', type: 'dashed' },
  { colour: 'orange', type: 'dotted' },
  { colour: 'soft', type: 'solid' },
  { colour: 'paleblue', type: 'dashed' },
  { colour: 'ink', type: 'dotted' },
  { colour: 'orange', type: 'solid' },
];

/** Weights and shares over time, a pair of strips for each policy, as an SVG that stands alone. */
export function draw(scenario: Scenario, runs: readonly { title: string; result: Result }[]): string {
  const all = runs.flatMap(({ title, result }) => {
    const lines = linesOf(result);
    return [
      { title: `${title}: weight`, lines, pick: (line: PictureLine) => line.standing, max: 1 },
      { title: `${title}: times its fair share`, lines, pick: (line: PictureLine) => line.share, max: 3 },
    ];
  });
  const total = top + all.length * pitch + 24;
  const seconds = scenario.duration / 1_000;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height: total });
  try {
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: font, color: standIn('ink') },
      legend: { top: 8, left, textStyle: { color: standIn('ink') }, data: all[0]!.lines.map(({ name }) => name) },
      grid: all.map((_, i) => ({
        left,
        right: 16,
        top: top + i * pitch + 16,
        height,
        outerBoundsMode: 'none' as const,
      })),
      xAxis: all.map((_, i) => ({
        ...{ type: 'value' as const, gridIndex: i, min: 0, max: seconds, splitLine: { show: false } },
        axisLabel: { show: i === all.length - 1, color: standIn('soft'), formatter: '{value} s' },
        axisLine: { lineStyle: { color: standIn('line') } },
      })),
      yAxis: all.map(({ title, max }, i) => ({
        ...{ type: 'value' as const, gridIndex: i, min: 0, max, interval: max === 1 ? 0.5 : 1, name: title },
        nameTextStyle: { color: standIn('ink'), align: 'left' as const, fontWeight: 'bold' as const },
        nameGap: 8,
        axisLabel: { color: standIn('soft') },
        splitLine: { lineStyle: { color: standIn('line') } },
      })),
      series: all.flatMap(({ lines, pick, max }, i) => [
        ...lines.map((line, place) => strip(line.name, pick(line), max, i, place)),
        marks(scenario, i),
      ]),
    });
    const title = `${scenario.title}, ${runs[0]!.result.rate} calls/s`;
    return standAlone(withPageColours(chart.renderToSVGString()), title);
  } finally {
    chart.dispose();
  }
}

function strip(name: string, values: readonly number[], max: number, lane: number, place: number) {
  const { colour, type } = looks[place % looks.length]!;
  return {
    ...{ type: 'line' as const, name, xAxisIndex: lane, yAxisIndex: lane, symbol: 'none' as const, silent: true },
    itemStyle: { color: standIn(colour) },
    lineStyle: { color: standIn(colour), type, width: place === 0 ? 2 : 1.25 },
    // What is above the strip is drawn at its edge.
    data: values.map((value, at) => [(at * step) / 1_000, Number.isNaN(value) ? null : Math.min(max, value)]),
  };
}

/** When something happens. */
function marks({ happenings }: Scenario, lane: number) {
  const times = [...new Set(happenings.map(({ at }) => at / 1_000))];
  return {
    ...{ type: 'line' as const, xAxisIndex: lane, yAxisIndex: lane, silent: true, data: [] },
    markLine: {
      ...{ silent: true, symbol: 'none' as const, label: { show: false } },
      lineStyle: { color: standIn('soft'), width: 1, type: 'solid' as const },
      data: times.map((xAxis) => ({ xAxis })),
    },
  };
}
