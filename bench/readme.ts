/** `node bench/readme.ts [--check]`: writes the figures of `figures.json` into README.md, or says that they differ. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Figures } from './figures.ts';
import { renderFigures } from './render.ts';

const start = '<!-- figures:start -->';
const end = '<!-- figures:end -->';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const readmeFile = new URL('../README.md', import.meta.url);
const readme = readFileSync(readmeFile, 'utf8');
const from = readme.indexOf(start);
const to = readme.indexOf(end);
if (from < 0 || to < from) throw new Error(`README.md has no place for the figures: expected "${start}" and "${end}"`);
const figures = JSON.parse(readFileSync(new URL('./figures.json', import.meta.url), 'utf8')) as Figures;
const rendered = `${readme.slice(0, from)}${start}\n${renderFigures(figures)}\n${readme.slice(to)}`;

if (!values.check) writeFileSync(readmeFile, rendered);
else if (rendered !== readme) {
  process.stderr.write('README.md and bench/figures.json differ: run `node bench/readme.ts`\n');
  process.exitCode = 1;
}
