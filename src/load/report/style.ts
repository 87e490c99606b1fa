/** The page's style: readable on a desktop, on a phone, in the dark and on paper. */
export const style = `
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1140px; margin: 0 auto; padding: 20px; }
h1 { font-size: 30px; line-height: 1.15; margin: 0; }
h2 { font-size: 19px; margin: 32px 0 10px; }
p { margin: 0 0 10px; }
.note { color: var(--soft); font-size: 14px; margin: 0 0 8px; break-after: avoid; }
header { display: flex; gap: 20px; align-items: center; padding: 20px; border-radius: 10px; background: var(--panel); border-left: 10px solid var(--green); }
header.bad { border-color: var(--red); }
header.unfinished { border-color: var(--orange); }
header p { margin: 2px 0 0; }
.headline { font-size: 19px; }
.sign { font-size: 54px; line-height: 1; color: var(--green); }
.bad .sign { color: var(--red); }
.unfinished .sign { color: var(--orange); }
.problems { border: 2px solid var(--red); border-radius: 10px; padding: 4px 20px 8px; margin-top: 16px; }
.problems h2 { margin: 8px 0; color: var(--red); }
.problems.unfinished { border-color: var(--orange); }
.problems.unfinished h2 { color: var(--ink); }
.problems ul { margin: 0; padding-left: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(110px, 1fr)); gap: 10px; margin-top: 16px; }
.tile { background: var(--panel); border-radius: 8px; padding: 10px 12px; }
.tile b { display: block; font-size: 24px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; line-height: 1.25; display: block; }
.tile.bad b { color: var(--red); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 7px 8px; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; font-size: 13px; line-height: 1.25; vertical-align: bottom; border-bottom: 2px solid var(--line); }
tbody tr.ok, tbody tr.bad { border-top: 1px solid var(--line); }
th:first-child { text-align: left; }
tbody th { font-weight: 600; min-width: 150px; }
.events tbody th { padding-left: 38px; text-indent: -30px; }
.number, .mark { text-indent: 0; }
td { white-space: nowrap; }
.number { display: inline-block; min-width: 22px; height: 22px; line-height: 22px; border-radius: 11px; text-align: center; background: var(--ink); color: var(--page); font-size: 12px; font-weight: 700; margin-right: 4px; }
tr.unplayed { border-top: 1px solid var(--line); color: var(--soft); }
tr.unplayed .number { background: var(--soft); }
.plain { width: auto; margin-top: 8px; }
.named td:first-child { text-align: left; }
.plain tbody th { text-align: left; font-weight: 400; }
.plain tr.group th { font-weight: 700; padding-top: 16px; border-bottom: 1px solid var(--line); }
.tight tbody :is(th, td) { padding: 3px 12px 3px 8px; }
.changed td:last-child { font-weight: 700; }
.sides { list-style: none; padding: 0; margin: 12px 0; }
tr.bad .number { background: var(--red); }
.mark { color: var(--green); }
td.lost { font-weight: 700; }
tr.bad .mark, tr.bad td.lost { color: var(--red); }
tr.how td { text-align: left; white-space: normal; color: var(--soft); font-size: 13px; padding: 0 8px 8px 38px; }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; }
figure.narrow { display: none; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0; font-size: 14px; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 700px) {
  main { padding: 12px; }
  header { padding: 14px; gap: 12px; }
  h1 { font-size: 24px; }
  .headline { font-size: 16px; }
  .sign { font-size: 38px; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  figure.wide { display: none; }
  figure.narrow { display: block; }
  .plain { width: 100%; font-size: 13px; }
  .plain :is(th, td) { padding: 5px 3px; white-space: normal; }
  .events, .events tbody { display: block; }
  .events thead { display: none; }
  .events tbody tr { display: block; padding: 8px 0; }
  .events :is(th, td) { display: block; padding: 1px 0; white-space: normal; }
  .events tbody th { font-size: 16px; padding: 1px 0 4px 30px; }
  .events td[data-name] { display: flex; justify-content: space-between; gap: 12px; }
  .events td[data-name]::before { content: attr(data-name); color: var(--soft); text-align: left; }
  .events :is(td.none, td:empty) { display: none; }
  .events tr.how { padding-top: 0; }
  .events tr.how td { padding: 0; }
  .events tr.unplayed td { text-align: left; }
}
@media print {
  body { font-size: 9.5pt; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 18pt; }
  h2 { font-size: 12pt; margin: 14pt 0 4pt; break-after: avoid; }
  header { padding: 10pt; }
  header, .tile, .number { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(54pt, 1fr)); gap: 4pt; }
  .tile { padding: 5pt; }
  .tile b { font-size: 12pt; }
  .tile span { font-size: 7.5pt; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  thead th, tr.how td { font-size: 7pt; }
  th, td { padding: 3pt 3pt; }
  .events th:first-child { min-width: 32mm; }
  tbody th { white-space: normal; }
  figure, tr, .tiles, .problems { break-inside: avoid; }
  tr.how { break-before: avoid; }
  figure.wide { display: block; }
  figure.narrow { display: none; }
}
`;
