import { type DifferenceGroup, differences, type Side } from './difference.ts';
import { type Look, lineLane } from './lane.ts';
import { narrowest, stacked } from './lanes.ts';
import { markdownTable } from './markdown.ts';
import { figures, noPictureHtml, page } from './page.ts';
import { type Drawing, inTwoWidths, type Painter } from './picture.ts';
import { scaledTogether } from './scaling.ts';
import type { Report } from './schema.ts';
import { sign, title } from './table.ts';
import { escapeHtml as e } from './words.ts';

/** Two runs side by side. */
export interface Comparison {
  markdown: string;
  /** A page that needs no network and no script. */
  html: string;
}

/** Puts two runs side by side. Without `paint` the page has no picture. */
export function compare(a: Side, b: Side, paint: Painter | undefined): Comparison {
  const groups = differences(a.report, b.report);
  return { markdown: markdown(a, b, groups), html: html(a, b, groups, paint) };
}

const heads = ['', 'A', 'B', 'B against A'];

function markdown(a: Side, b: Side, groups: readonly DifferenceGroup[]): string {
  return [
    `### ${names(a, b)}`,
    '',
    ...[a, b].map((side, place) => `- **${'AB'[place]}** ${verdictOf(side)}`),
    '',
    ...groups.flatMap((group) => [
      `**${group.title}**`,
      '',
      ...markdownTable(
        heads,
        group.rows.map(({ what, a, b, change }) => [what, a, b, change]),
        1,
      ),
      '',
    ]),
  ].join('\n');
}

function html(a: Side, b: Side, groups: readonly DifferenceGroup[], paint: Painter | undefined): string {
  return page(
    names(a, b),
    `<h1>${e(names(a, b))}</h1>
<ul class="sides">${[a, b].map((side, place) => `<li><b>${'AB'[place]}</b> ${e(verdictOf(side))}</li>`).join('\n')}</ul>
<section>
<h2>Over time</h2>
${paint === undefined ? noPictureHtml : pictures(a.report, b.report, paint)}
</section>
<section>
<h2>Figures</h2>
<div class="scroll"><table class="plain tight">
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
${groups.map(rows).join('\n')}
</table></div>
</section>`,
  );
}

function rows({ title, rows }: DifferenceGroup): string {
  const lines = rows.map(({ what, a, b, change }) => {
    const cells = [a, b, change].map((cell) => `<td>${e(cell)}</td>`).join('');
    return `<tr${change === '' ? '' : ' class="changed"'}><th scope="row">${e(what)}</th>${cells}</tr>`;
  });
  return `<tbody><tr class="group"><th scope="rowgroup" colspan="${heads.length}">${e(title)}</th></tr>
${lines.join('\n')}</tbody>`;
}

function names(a: Side, b: Side): string {
  return `${a.name} and ${b.name}`;
}

function verdictOf({ name, report }: Side): string {
  const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' }).format(report.began);
  return `${name}, scenario ${report.scenario}, ${when}: ${sign(report)} ${title(report)}: ${report.headline}`;
}

const looks: readonly Look[] = [
  { colour: 'blue', width: 2 },
  { colour: 'orange', width: 2, dash: 'dashed' },
];

function pictures(a: Report, b: Report, paint: Painter): string {
  const scaling = [a, b].flatMap(({ capacity }, place) =>
    capacity === null || capacity.points.length === 0
      ? []
      : [{ name: 'AB'[place]!, look: looks[place]!, points: capacity.points }],
  );
  return [
    figures(inTwoWidths(paint, together(a, b))),
    ...(scaling.length > 0 ? [figures(inTwoWidths(paint, scaledTogether(scaling)))] : []),
  ].join('\n');
}

/** Both runs over one time axis. Both begin with their load. */
function together(a: Report, b: Report): Drawing {
  const length = Math.max(a.timeline.length, b.timeline.length);
  const lane = (title: string, height: number, points: (report: Report) => [number, number | null][], step = false) => {
    const lines = [a, b].map((report, place) => {
      return { name: 'AB'[place]!, look: looks[place]!, step, points: points(report) };
    });
    return lineLane(title, height, { type: 'value', min: 0 }, lines);
  };
  const middles = (pick: (bucket: Report['timeline']['buckets'][number]) => number | null) => (report: Report) => {
    const { buckets, width } = report.timeline;
    return buckets.map((bucket): [number, number | null] => [bucket.t + width / 2, pick(bucket)]);
  };
  return (width) =>
    stacked(
      [
        lane('Servers ready', 84, ({ timeline }) => timeline.replicas.map(({ t, ready }) => [t, ready]), true),
        lane(
          'Right answers a second',
          110,
          middles(({ achieved }) => achieved),
        ),
        lane(
          width < narrowest ? 'p99, ms' : 'p99 of the latency, ms',
          110,
          middles(({ p99 }) => p99),
        ),
        lane(
          'Failed calls',
          60,
          middles(({ failed }) => failed),
        ),
      ],
      length,
      [],
      width,
    );
}
