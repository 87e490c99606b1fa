import type { Recording } from '../recording.ts';
import type { Verdict } from '../verdict.ts';
import {
  type Column,
  capacityColumns,
  columns,
  eventTitle,
  remarks,
  scalingWords,
  sign,
  title,
  usageColumns,
  usageWords,
} from './table.ts';
import { count, time } from './words.ts';

/** The verdict for a pull request. */
export function markdown(recording: Recording, verdict: Verdict): string {
  const { ok, headline, events, problems, total, p50, p99, capacity, usage } = verdict;
  const rows = [
    ...events.map((event) => [
      event.ok ? '✔' : '✘',
      `${event.event.index}. ${eventTitle(event)}`,
      ...columns.map(({ cell }) => cell(event)),
    ]),
    ...verdict.unplayed.map((name) => ['…', `${name.replace(' ', '. ')}: not played`, ...columns.map(() => '')]),
  ];
  const autoscaled = events.filter(({ effects }) => effects.autoscaling !== undefined);
  return [
    `### ${sign(verdict)} ${title(verdict)}: ${headline}`,
    '',
    ...(ok ? [] : [...problems.map(({ event, what }) => `- **${event}**: ${what}`), '']),
    ...markdownTable(['', 'Event', ...columns.map(({ head }) => head)], rows, 2),
    '',
    ...autoscaled.flatMap((event) => [`${event.event.index}. ${eventTitle(event)}: ${remarks(event).join(', ')}.`, '']),
    ...(capacity === undefined
      ? []
      : [...plainTable(capacityColumns, capacity.points, 0), '', scalingWords(capacity), '']),
    ...(usage.length === 0 ? [] : [...plainTable(usageColumns, usage, 1), '', usageWords, '']),
    `Scenario ${recording.scenario.name}, load by ${recording.generator}: p50 ${time(p50)}, p99 ${time(p99)}, ${count(total.retried)} calls sent again, ${count(total.unknown)} unknown and said so.`,
    ...verdict.notes.map((note) => `Note: ${note}.`),
    `${Object.entries(recording.environment)
      .map(([name, value]) => `${name}: ${value}`)
      .join(' · ')}`,
    '',
  ].join('\n');
}

function plainTable<T>(columns: readonly Column<T>[], rows: readonly T[], words: number): string[] {
  return markdownTable(
    columns.map(({ head }) => head),
    rows.map((row) => columns.map(({ cell }) => cell(row))),
    words,
  );
}

/** The lines of a table. The first columns so many are words, the others figures. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[], words: number): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map((_, index) => (index < words ? '---' : '---:'))), ...rows.map(line)];
}
