import type { Row } from './lossless/watched.ts';

/** The table that says what each scenario cost, in Markdown. */
export function verdict(rows: readonly Row[]): string {
  const head = [
    'scenario',
    'calls',
    'lost',
    'not made',
    'retried',
    'p50 ms',
    'p99 ms',
    'max ms',
    'first call s',
    'last call s',
    'proof',
  ];
  const lines = rows.map((row) => [
    row.scenario,
    String(row.calls),
    String(row.lost),
    String(row.dropped),
    String(row.retried),
    ...[row.p50, row.p99, row.max].map((ms) => String(Math.round(ms))),
    row.firstCall === undefined ? '' : row.firstCall.toFixed(1),
    row.lastCall === undefined ? '' : row.lastCall.toFixed(1),
    row.proof,
  ]);
  const lost = rows.reduce((sum, row) => sum + row.lost, 0);
  const calls = rows.reduce((sum, row) => sum + row.calls, 0);
  return `${markdown([head, ...lines])}\n\n${calls.toLocaleString('en')} calls, ${lost} lost.`;
}

/** Columns as wide as their widest cell; all but the first and the last hold numbers. */
function markdown(rows: readonly (readonly string[])[]): string {
  const last = rows[0]!.length - 1;
  const isText = (column: number) => column === 0 || column === last;
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const [head, ...body] = rows.map((row) =>
    line(row.map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))),
  );
  const rule = line(widths.map((width, column) => (isText(column) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)));
  return [head, rule, ...body].join('\n');
}
