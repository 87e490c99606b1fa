import type { Recording } from '../recording.ts';
import type { Verdict } from '../verdict.ts';
import { columns, eventTitle } from './table.ts';
import { count, time } from './words.ts';

/** The verdict for a pull request. */
export function markdown(recording: Recording, verdict: Verdict): string {
  const { ok, headline, events, problems, total, p50, p99 } = verdict;
  const heads = ['', 'Event', ...columns.map(({ head }) => head)];
  const rows = events.map((event) => [
    event.ok ? '✔' : '✘',
    `${event.event.index}. ${eventTitle(event)}`,
    ...columns.map(({ cell }) => cell(event)),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    `### ${ok ? '✔ Nothing was lost' : '✘ Not passed'}: ${headline}`,
    '',
    ...(ok ? [] : [...problems.map(({ event, what }) => `- **${event}**: ${what}`), '']),
    line(heads),
    line(heads.map((_, index) => (index < 2 ? '---' : '---:'))),
    ...rows.map(line),
    '',
    `Scenario ${recording.scenario.name}, load by ${recording.generator}: p50 ${time(p50)}, p99 ${time(p99)}, ${count(total.retried)} calls sent again, ${count(total.unknown)} unknown and said so.`,
    `${Object.entries(recording.environment)
      .map(([name, value]) => `${name}: ${value}`)
      .join(' · ')}`,
    '',
  ].join('\n');
}
