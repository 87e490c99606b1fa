import { sameValue } from './expected.ts';
import type { Caller } from './generator/caller.ts';

/** pi(93) .. pi(99), to the digits that the demonstration promises. */
const promised: readonly (readonly [n: number, value: number])[] = [
  [93, 3.1382045832],
  [94, 3.13824026548],
  [95, 3.13827520401],
  [96, 3.13830942181],
  [97, 3.13834294093],
  [98, 3.13837578257],
  [99, 3.13840796707],
];

export interface PiRow {
  n: number;
  /** What was answered; undefined when that was no number. */
  value: number | undefined;
  /** Why there was no answer; undefined when there was one. */
  failure: string | undefined;
  right: boolean;
  /** Id of the node that answered. */
  node: string | undefined;
}

/** Asks for pi(93) .. pi(99), one after the other. */
export async function piTable(caller: Caller): Promise<PiRow[]> {
  const rows: PiRow[] = [];
  for (const [n, expected] of promised) {
    const answer = await caller.ask('pi', n);
    if ('failure' in answer) {
      rows.push({ n, value: undefined, failure: answer.failure, right: false, node: undefined });
      continue;
    }
    const { value, node } = answer;
    const right = typeof value === 'number' && sameValue(Number(value.toPrecision(12)), expected);
    rows.push({ n, value: typeof value === 'number' ? value : undefined, failure: undefined, right, node });
  }
  return rows;
}
