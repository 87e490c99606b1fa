import type { Timeline } from '../timeline.ts';
import type { EventMark } from './lanes.ts';
import { lanes } from './lanes.ts';
import { withPageColours } from './palette.ts';

/** Draws SVG. */
export type Painter = (timeline: Timeline, events: readonly EventMark[], width: number) => string;

/** What to say before a run where none can be drawn. */
export const noPicture =
  'The report will have no picture: that needs the package "echarts" (npm install echarts; with -g if evenkeel was)';

/**
 * Loads the drawing library, on use: evenkeel does not depend on it. Undefined where it is not installed; throws a sentence
 * where it is broken. Ask before a run, not after it.
 */
export async function painter(load = () => import('echarts')): Promise<Painter | undefined> {
  const echarts = await load().catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw new Error(`the package "echarts" cannot be loaded: ${cause.message}`, { cause });
  });
  if (echarts === undefined) return undefined;
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
