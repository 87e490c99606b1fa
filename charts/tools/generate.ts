/**
 * Writes what charts take from their values.yaml and from elsewhere in the project: `node charts/tools/generate.ts`
 * (npm run charts:readme) writes, `--check` fails where something differs.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { valuesTable } from './readme.ts';
import { valuesSchema } from './schema.ts';
import { readValuesFile } from './values-file.ts';

export const chart = new URL('../evenkeel/', import.meta.url);
export const parts = ['zookeeper', 'server', 'gateway', 'loadtest'] as const;

const read = (file: URL) => readFileSync(file, 'utf8');
const valuesOf = (folder: URL) => readValuesFile(read(new URL('values.yaml', folder)));

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function between(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the chart's README has no markers for "${name}"`);
  return `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`;
}

/** All generated files as they should be. */
export function generatedFiles(): { file: URL; wanted: string }[] {
  const own = valuesOf(chart);
  const files = [{ file: new URL('values.schema.json', chart), wanted: json(valuesSchema('evenkeel', own, parts)) }];
  const readme = new URL('README.md', chart);
  let page = between(read(readme), 'values', valuesTable(own, ''));
  for (const part of parts) {
    const folder = new URL(`charts/${part}/`, chart);
    const values = valuesOf(folder);
    files.push({ file: new URL('values.schema.json', folder), wanted: json(valuesSchema(part, values)) });
    // What all share is in the first table.
    const shown = values.filter(({ name }) => name !== 'global' && name !== 'enabled');
    page = between(page, `values-${part}`, valuesTable(shown, `${part}.`));
  }
  files.push({ file: readme, wanted: page });
  // Helm takes files from inside of a chart only.
  const loadtest = new URL('../../loadtest/', import.meta.url);
  for (const name of globSync('{*.ts,scenarios/*.yaml}', { cwd: loadtest })) {
    files.push({ file: new URL(`charts/loadtest/files/${name}`, chart), wanted: read(new URL(name, loadtest)) });
  }
  return files;
}

function current(file: URL): string | undefined {
  try {
    return read(file);
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  for (const { file, wanted } of generatedFiles()) {
    if (current(file) === wanted) continue;
    if (process.argv.includes('--check')) {
      console.error(`${file.pathname} is not what the values say: npm run charts:readme`);
      process.exitCode = 1;
    } else {
      mkdirSync(new URL('.', file), { recursive: true });
      writeFileSync(file, wanted);
    }
  }
}
