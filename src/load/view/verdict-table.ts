import type { Capacity } from '../capacity.ts';
import { capacityColumns, columns, eventTitle, remarks, scalingWords, sign, title } from '../report/table.ts';
import type { EventVerdict, Verdict } from '../verdict.ts';
import type { Paint } from './paint.ts';

/** The verdict as lines for a terminal. */
export function verdictTable(verdict: Verdict, paint: Paint): string[] {
  const cells = verdict.events.map((event) => [
    `${event.event.index} ${eventTitle(event)}`,
    ...columns.map(({ cell }) => cell(event)),
  ]);
  const heads = [['Event'], ...columns.map(({ head }) => head.split(' / ').flatMap((part) => wrap(part, 14)))];
  const widths = heads.map((head, column) => {
    return Math.max(...head.map((line) => line.length), ...cells.map((row) => row[column]!.length));
  });
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ');
  const depth = Math.max(...heads.map((head) => head.length));
  const headLines = Array.from({ length: depth }, (_, row) => {
    // Aligned at the bottom, over the figures.
    return `  ${line(heads.map((head) => head[row - depth + head.length] ?? ''))}`;
  });
  const mark = (ok: boolean) => (ok ? paint.good('✔') : paint.bad('✘'));
  return [
    ...(cells.length === 0 ? [] : headLines.map((text) => paint.soft(text))),
    ...cells.map((row, index) => `${mark(verdict.events[index]!.ok)} ${line(row)}`),
    ...verdict.unplayed.map((name) => `${paint.warn('…')} ${name}: not played`),
    ...verdict.events.flatMap((event) => (event.effects.autoscaling === undefined ? [] : remarksOf(event))),
    '',
    ...(verdict.capacity === undefined ? [] : [...capacityLines(verdict.capacity, paint), '']),
    ...verdict.problems.map(({ event, what }) => `${paint.bad('✘')} ${paint.bold(event)}: ${what}`),
    ...verdict.notes.map((note) => paint.soft(`  ${note}`)),
    `${signOf(verdict, paint)} ${paint.bold(title(verdict))}: ${verdict.headline}`,
  ];
}

function remarksOf(event: EventVerdict): string[] {
  return [`  ${event.event.index} ${remarks(event).join(', ')}`];
}

function capacityLines(capacity: Capacity, paint: Paint): string[] {
  const rows = capacity.points.map((point) => capacityColumns.map(({ cell }) => cell(point)));
  const heads = capacityColumns.map(({ head }) => head);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `  ${row.map((cell, column) => cell.padStart(widths[column]!)).join('  ')}`;
  return [paint.soft(line(heads)), ...rows.map(line), `  ${scalingWords(capacity)}`];
}

function signOf(verdict: Verdict, paint: Paint): string {
  const paints = { passed: paint.good, failed: paint.bad, unfinished: paint.warn };
  return paints[verdict.outcome](sign(verdict));
}

/** Words in lines of about so many characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
