import { colourCss } from './palette.ts';
import type { Pictures } from './picture.ts';
import { style } from './style.ts';
import { escapeHtml } from './words.ts';

/** A page that needs no network and no script. The title is text, the body HTML. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>evenkeel: ${escapeHtml(title)}</title>
<style>${colourCss()}${style}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

/** A picture in both widths; the page shows the one that fits. */
export function figures({ wide, narrow }: Pictures): string {
  return `<figure class="wide">${wide}</figure>
<figure class="narrow">${narrow}</figure>`;
}

/** In place of a picture where none can be drawn. */
export const noPictureHtml =
  '<p class="note">There is no picture: that needs the package <code>echarts</code>, <code>npm install echarts</code>.</p>';
