import { readFileSync } from 'node:fs';
import { UsageError } from './command.ts';

/** The registry's secret, from EVENKEEL_REGISTRY_AUTH or the file that EVENKEEL_REGISTRY_AUTH_FILE names; never a flag. */
export function registryAuth(environment: Record<string, string | undefined> = process.env): string | undefined {
  const file = environment.EVENKEEL_REGISTRY_AUTH_FILE;
  if (file === undefined || file === '') return environment.EVENKEEL_REGISTRY_AUTH || undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`EVENKEEL_REGISTRY_AUTH_FILE: cannot read ${file}: ${(error as Error).message}`);
  }
}
