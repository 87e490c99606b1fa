/** Helm, and the charts of this project. */
import { fileURLToPath } from 'node:url';
import { attempt, type CommandOptions, type Output, run } from './command.ts';

/** Folder of the umbrella chart. */
export const chart = fileURLToPath(new URL('../../../charts/evenkeel', import.meta.url));
export const parts = ['zookeeper', 'server', 'gateway', 'loadtest'] as const;
export type Part = (typeof parts)[number];

/** Folder of a part that is installed alone, or of the umbrella. */
export function chartFolder(part?: Part): string {
  return part === undefined ? chart : `${chart}/charts/${part}`;
}

/** What `helm ARGS` writes. Rejects with its own words when it fails. Deadline 5 min, for it waits for pods. */
export function helm(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return run('helm', args, { deadline: 300_000, ...options });
}

/** As `helm`, where a failure is what is wanted. */
export function attemptHelm(args: readonly string[], options: CommandOptions = {}): Promise<Output> {
  return attempt('helm', args, { deadline: 300_000, ...options });
}

/** Values of a chart, as a tree. */
export interface Values {
  [name: string]: unknown;
}

function isTree(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As Helm merges values: trees are merged, all else is taken from the last that has it. */
export function mergeValues(...all: readonly Values[]): Values {
  const merged: Values = {};
  for (const values of all) {
    for (const [name, value] of Object.entries(values)) {
      const before = merged[name];
      merged[name] = isTree(before) && isTree(value) ? mergeValues(before, value) : value;
    }
  }
  return merged;
}
