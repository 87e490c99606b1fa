import { type Answered, Caller } from './generator/caller.ts';
import { type PiRow, piTable } from './pi-table.ts';
import type { Scenario } from './scenario.ts';

/** How often the call of `append` is tried. One that must not run twice may fail where a server goes just then. */
const tries = 3;

/**
 * Makes the first calls, before there is any load. Gives the table of pi, which is judged with all else. Throws a sentence where
 * calls fail that the whole scenario consists of: it would hurt servers and prove nothing.
 */
export async function rehearse(
  gatewayUrl: string,
  load: Scenario['load'],
  deadline: number,
): Promise<readonly PiRow[]> {
  const caller = new Caller(gatewayUrl, deadline, 1);
  try {
    const rows = await piTable(caller);
    const failures = rows.flatMap(({ failure }) => failure ?? []);
    if (failures.length === rows.length) {
      throw new Error(
        `the gateway ${gatewayUrl} answers no call of pi: ${failures[0]}; a load test needs the demonstration service, pi, behind it`,
      );
    }
    if (load.unsafe > 0) await tryAppend(caller, load.unsafe);
    return rows;
  } finally {
    await caller.close();
  }
}

async function tryAppend(caller: Caller, share: number): Promise<void> {
  let answer: Answered;
  for (let i = 1; ; i++) {
    answer = await caller.ask('append', 'rehearsal');
    if (!('failure' in answer)) return;
    if (i === tries) break;
  }
  throw new Error(
    `${share * 100} % of the scenario's calls are of the method append, and it fails: ${answer.failure}; servers that record ` +
      'their calls have it (server.recordCalls=true in the chart), or set unsafe: 0 in the load of the scenario',
  );
}
