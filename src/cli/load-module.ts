import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ServiceModule } from '../core/contract.ts';
import { UsageError } from './command.ts';

/** Where a module is: `pi` is the one that comes along, anything else a file. Throws a UsageError if there is none. */
export function moduleUrl(name: string): string {
  if (name === 'pi')
    return new URL(import.meta.url.endsWith('.ts') ? '../pi/pi.ts' : '../pi/pi.js', import.meta.url).href;
  const url = name.startsWith('file:') ? name : pathToFileURL(resolve(name)).href;
  if (!existsSync(fileURLToPath(url))) throw new UsageError(`there is no module ${fileURLToPath(url)}`);
  return url;
}

/** Loads a module and checks that it is one. Throws a UsageError that says what is missing. */
export async function loadModule(url: string): Promise<ServiceModule> {
  const module = (await import(url)).default as Partial<ServiceModule> | undefined;
  const name = fileURLToPath(url);
  if (typeof module?.service?.name !== 'string' || typeof module.handlers !== 'object') {
    throw new UsageError(`${name} does not export default { service, handlers }`);
  }
  for (const method of Object.keys(module.service.methods)) {
    if (typeof module.handlers[method] !== 'function')
      throw new UsageError(`${name} has no handler for method "${method}"`);
  }
  return module as ServiceModule;
}
