import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constantRate, parseScenario, type Scenario } from '../load/scenario.ts';
import { UsageError } from './command.ts';

/** Those that come along. */
const folder = fileURLToPath(new URL('../../loadtest/scenarios/', import.meta.url));

/** Whether it is the name of a scenario that comes along, if it is any: else it is a file. */
export function isScenarioName(given: string): boolean {
  return /^[\w-]+$/.test(given) && !existsSync(given);
}

/** Reads a scenario: a file, or one that comes along, by its name. Throws one sentence that says what is wrong with it. */
export async function readScenario(given: string): Promise<Scenario> {
  const isName = isScenarioName(given);
  const path = isName ? join(folder, `${given}.yaml`) : given;
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (isName && cause.code === 'ENOENT')
      throw new UsageError(`there is no scenario ${given}: there are ${names().join(', ')}; or name a file`);
    throw new UsageError(`the scenario cannot be read: ${cause.message}`);
  });
  try {
    return parseScenario(text, isName ? given : path);
  } catch (cause) {
    throw new UsageError((cause as Error).message);
  }
}

function names(): string[] {
  return globSync('*.yaml', { cwd: folder })
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/** The scenario with another number of servers at first, or another rate. */
export function adjusted(
  scenario: Scenario,
  { servers, rate }: { servers: number | undefined; rate: number | undefined },
): Scenario {
  const { load } = scenario;
  if (load.kind === 'capacity' && rate !== undefined) {
    throw new UsageError(
      `--rate: the scenario ${scenario.name} has ${load.users} users who call without a pause, and no rate`,
    );
  }
  return {
    ...scenario,
    servers: servers ?? scenario.servers,
    load: load.kind === 'proof' && rate !== undefined ? { ...load, stages: constantRate(rate) } : load,
  };
}
