/** The tables of values in the chart's README. */
import type { ValueField } from './values-file.ts';

/** @param prefix what stands before each name, such as `server.` */
export function valuesTable(values: readonly ValueField[], prefix: string): string {
  const rows = values.flatMap((field) => rowsOf(field, prefix));
  return ['| value | default | what it is |', '|---|---|---|', ...rows].join('\n');
}

function rowsOf({ name, text, default: byDefault, members, rules }: ValueField, prefix: string): string[] {
  const path = `${prefix}${name}`;
  if (members !== undefined) return members.flatMap((member) => rowsOf(member, `${path}.`));
  const allowed = Array.isArray(rules.enum) ? ` One of ${rules.enum.map((each) => `\`${each}\``).join(', ')}.` : '';
  const cells = [`\`${path}\``, `\`${JSON.stringify(byDefault)}\``, `${text}${allowed}`];
  return [`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`];
}
