import type { Timeline } from '../timeline.ts';
import type { EventMark } from './lanes.ts';
import { lanes } from './lanes.ts';
import { withPageColours } from './palette.ts';

/** Draws SVG. */
export type Painter = (timeline: Timeline, events: readonly EventMark[], width: number) => string;

/**
 * Loads the drawing library, on use: evenkeel does not depend on it. Throws a sentence where it is missing. Ask before a run,
 * not after it.
 */
export async function painter(): Promise<Painter> {
  const echarts = await import('echarts').catch((cause) => {
    throw new Error(
      'The report needs the package "echarts" to draw its picture: npm install echarts, or do without (--report off)',
      { cause },
    );
  });
  return (timeline, events, width) => {
    const { option, height } = lanes(timeline, events, width);
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
    try {
      chart.setOption(option);
      return withPageColours(chart.renderToSVGString());
    } finally {
      chart.dispose();
    }
  };
}
