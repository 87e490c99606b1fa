import { escapeHtml } from './words.ts';

/**
 * The report's colours, by what they mean. Blue, orange and vermilion of Okabe and Ito, which the colour-blind can tell
 * apart; nothing is said by colour alone.
 */
export const palette = {
  page: ['#ffffff', '#12161c'],
  panel: ['#f6f8fa', '#1a2029'],
  ink: ['#1b2430', '#e6ebf2'],
  soft: ['#5b6775', '#9aa7b6'],
  line: ['#d8dee6', '#303a47'],
  band: ['#e9eef5', '#222b37'],
  blue: ['#0067a8', '#5ab4f0'],
  paleblue: ['#7fb8dd', '#2f6d99'],
  orange: ['#b36b00', '#f0b040'],
  red: ['#c03d00', '#ff7a45'],
  green: ['#00735a', '#35c79f'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

export type Colour = keyof typeof palette;

const names = Object.keys(palette) as Colour[];

/**
 * A stand-in for a colour while the picture is drawn: the drawing library wants real colours, the page decides between
 * light and dark only when it is shown.
 */
export function standIn(name: Colour): string {
  return `#fe01${names.indexOf(name).toString(16).padStart(2, '0')}`;
}

/** The picture with the page's colours in place of the stand-ins. */
export function withPageColours(svg: string): string {
  return svg.replace(/#fe01([0-9a-f]{2})/gi, (_, index: string) => `var(--${names[Number.parseInt(index, 16)]})`);
}

/** CSS that gives all colours their light values, and their dark ones where the reader prefers dark and does not print. */
export function colourCss(): string {
  const values = (place: 0 | 1) => names.map((name) => `--${name}: ${palette[name][place]};`).join(' ');
  return `:root { color-scheme: light dark; ${values(0)} }
@media screen and (prefers-color-scheme: dark) { :root { ${values(1)} } }`;
}

/** The picture as a file of its own, for a README or a pull request: it brings its colours and its ground along. */
export function standAlone(svg: string, title: string): string {
  const begin = svg.indexOf('>') + 1;
  const ground = '<rect width="100%" height="100%" fill="var(--page)"/>';
  return `${svg.slice(0, begin)}<title>${escapeHtml(title)}</title><style>${colourCss()}</style>${ground}${svg.slice(begin)}\n`;
}
