import type { EChartsOption } from 'echarts';
import { withPageColours } from './palette.ts';

/** A picture, as an option for ECharts, laid out for a width in pixels. */
export type Drawing = (width: number) => { option: EChartsOption; height: number };

/** Draws SVG. */
export type Painter = (drawing: Drawing, width: number) => string;

/** A picture in two widths; a page shows the one that fits. */
export interface Pictures {
  wide: string;
  narrow: string;
}

/** Draws for a page on a desktop and on a phone. */
export function inTwoWidths(paint: Painter, drawing: Drawing): Pictures {
  return { wide: paint(drawing, 1100), narrow: paint(drawing, 380) };
}

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
  return (drawing, width) => {
    const { option, height } = drawing(width);
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
    try {
      chart.setOption(option);
      return withPageColours(chart.renderToSVGString());
    } finally {
      chart.dispose();
    }
  };
}
