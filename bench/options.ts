import { parseArgs } from 'node:util';
import { type ContenderName, contenders } from './contender.ts';

/** What is measured besides the contenders. */
export const extras = ['pi', 'picks', 'idle'] as const;
export type Extra = (typeof extras)[number];

export interface Options {
  contenders: ContenderName[];
  extras: Extra[];
  /** How often each contender has its turn. */
  rounds: number;
  /** What one measurement takes, ms, and the calls before it that do not count. */
  measure: number;
  warmUp: number;
  /** Where the figures go, if anywhere. */
  json: string | undefined;
}

export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string' },
      only: { type: 'string', default: [...contenders, ...extras].join(',') },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: expected 1 or more`);
  const names = values.only.split(',');
  const allowed: readonly string[] = [...contenders, ...extras];
  for (const name of names) {
    if (!allowed.includes(name)) throw new Error(`--only ${name}: expected some of ${allowed.join(', ')}`);
  }
  return {
    contenders: contenders.filter((name) => names.includes(name)),
    extras: extras.filter((name) => names.includes(name)),
    rounds,
    measure: values.quick ? 500 : 3_000,
    warmUp: values.quick ? 300 : 1_000,
    json: values.json,
  };
}
