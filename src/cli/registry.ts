import { openRegistry } from '../registry/open.ts';
import { UsageError } from './command.ts';

/** Sees whether a registry's URL and secret can be right. Neither is repeated: what is wrong may be a secret in the URL. */
export function checkRegistry(url: string, auth: string | undefined): string {
  try {
    void openRegistry(url, { auth }).close();
  } catch (error) {
    throw new UsageError(`--registry: ${(error as Error).message}`);
  }
  return url;
}

/** The registry's URL, which a command cannot do without, checked. */
export function requireRegistry(registry: string | undefined, auth: string | undefined): string {
  if (registry !== undefined) return checkRegistry(registry, auth);
  throw new UsageError('say where the servers are known: --registry URL, or EVENKEEL_REGISTRY');
}
