import { dashes, type Lane, type Look } from './lane.ts';
import { standIn } from './palette.ts';

export const font = 'system-ui, sans-serif';

/** Height of a line of a heading. */
const lineHeight = 18;

interface Placed {
  height: number;
  /** The shapes, with the heading's top at `y`. */
  at: (y: number) => object[];
}

/** A lane's title and legend: in one line if they fit into `width`, else in two. */
export function heading({ title, legend }: Pick<Lane, 'title' | 'legend'>, width: number): Placed {
  const narrow = width < 600;
  const size = narrow ? 11 : 13;
  const [space, besideTitle] = narrow ? [10, 12] : [18, 22];
  const titleWidth = 2 + widthOf(title, size + 1, true);
  const words = legend.map(({ word }) => 22 + widthOf(word, size, false) + space);
  const oneLine = titleWidth + besideTitle + words.reduce((sum, part) => sum + part, 0) <= width;
  return {
    height: 12 + lineHeight * (oneLine ? 1 : 2),
    at(y) {
      const first = y + 6 + lineHeight / 2;
      const second = oneLine ? first : first + lineHeight;
      let x = oneLine ? titleWidth + besideTitle : 2;
      const shapes: object[] = [text(title, 2, first, `bold ${size + 1}px ${font}`, standIn('ink'))];
      for (const [index, { word, look }] of legend.entries()) {
        shapes.push(swatch(look, x, second), text(word, x + 22, second, `${size}px ${font}`, standIn('soft')));
        x += words[index]!;
      }
      return shapes;
    },
  };
}

/** No text can be measured where the picture is drawn: a little more than what common fonts take. */
function widthOf(text: string, size: number, bold: boolean): number {
  return text.length * size * (bold ? 0.63 : 0.56);
}

function text(words: string, x: number, y: number, style: string, fill: string): object {
  return { type: 'text', silent: true, x, y, style: { text: words, font: style, fill, verticalAlign: 'middle' } };
}

function swatch({ colour, width, dash, filled, hollow, shape }: Look, x: number, y: number): object {
  if (shape === 'diamond') {
    const points = [
      [x + 4, y],
      [x + 11, y - 7],
      [x + 18, y],
      [x + 11, y + 7],
    ];
    return { type: 'polygon', silent: true, shape: { points }, style: { fill: standIn(colour) } };
  }
  if (width === undefined) {
    return {
      type: 'rect',
      silent: true,
      shape: { x: x + 5, y: y - 6, width: 12, height: 12 },
      style: hollow ? { fill: standIn('page'), stroke: standIn(colour), lineWidth: 1.5 } : { fill: standIn(colour) },
    };
  }
  const line = {
    ...{ type: 'line', silent: true, shape: { x1: x, y1: y, x2: x + 18, y2: y } },
    style: {
      stroke: standIn(colour),
      lineWidth: width,
      ...(dash && { lineDash: dashes[dash] }),
    },
  };
  if (!filled) return line;
  const under = { fill: standIn(colour), opacity: 0.18 };
  return {
    type: 'group',
    silent: true,
    children: [line, { type: 'rect', silent: true, shape: { x, y, width: 18, height: 7 }, style: under }],
  };
}
