import { parseArgs } from 'node:util';
import { type ContenderName, contenderNames } from './contender.ts';
import { full, quick, type Scenario } from './scenario.ts';

export interface FailoverOptions {
  contenders: ContenderName[];
  /** ms */
  deadlines: number[];
  scenario: Scenario;
  /** Where the figures go, if anywhere. */
  json: string | undefined;
}

const longestDeadline = 30_000;

export function readFailoverOptions(args: string[]): FailoverOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: contenderNames.join(',') },
      deadline: { type: 'string', default: '5000,1000' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  });
  const names = values.only.split(',');
  const allowed: readonly string[] = contenderNames;
  for (const name of names) {
    if (!allowed.includes(name)) throw new Error(`--only ${name}: expected some of ${allowed.join(', ')}`);
  }
  const deadlines = values.deadline.split(',').map(Number);
  if (!deadlines.every((ms) => Number.isSafeInteger(ms) && ms >= 10 && ms <= longestDeadline)) {
    throw new Error(`--deadline ${values.deadline}: expected whole ms from 10 to ${longestDeadline}, one or several`);
  }
  return {
    contenders: contenderNames.filter((name) => names.includes(name)),
    deadlines,
    scenario: values.quick ? quick : full,
    json: values.json,
  };
}
