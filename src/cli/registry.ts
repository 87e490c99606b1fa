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

/** The same for a registry that a server is to be made known in. */
export function checkWritable(url: string, auth: string | undefined): void {
  checkRegistry(url, auth);
  if (url.startsWith('static:')) {
    throw new UsageError(
      '--registry: a server cannot be made known in a static registry, whose servers stand in the URL: leave --registry out',
    );
  }
  if (url.startsWith('kubernetes:')) {
    throw new UsageError(
      '--registry: Kubernetes itself makes a server known while its pod is ready: leave --registry out, it is for clients',
    );
  }
}

/** The registry's URL, which a command cannot do without, checked. */
export function requireRegistry(registry: string | undefined, auth: string | undefined): string {
  if (registry !== undefined) return checkRegistry(registry, auth);
  throw new UsageError('say where the servers are known: --registry URL, or EVENKEEL_REGISTRY');
}
