import { sameValue } from './expected.ts';
import { Caller } from './generator/caller.ts';

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
  /** What was answered; undefined when there was no answer. */
  value: number | undefined;
  right: boolean;
  /** Id of the node that answered. */
  node: string | undefined;
}

/** Asks the gateway for pi(93) .. pi(99), one after the other. */
export async function piTable(gatewayUrl: string, deadline: number): Promise<PiRow[]> {
  const caller = new Caller(gatewayUrl, deadline, 1);
  try {
    const rows: PiRow[] = [];
    for (const [n, expected] of promised) {
      const { value, node } = await caller.ask('pi', n);
      const right = typeof value === 'number' && sameValue(Number(value.toPrecision(12)), expected);
      rows.push({ n, value: typeof value === 'number' ? value : undefined, right, node });
    }
    return rows;
  } finally {
    await caller.close();
  }
}
