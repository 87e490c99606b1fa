import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { handlersFlaw, type ServiceModule } from '../core/contract.ts';
import { ownFile } from '../load/own-file.ts';
import { Failure, UsageError } from './command.ts';
import { type Place, placeOf } from './error-place.ts';

/** Modules that come along, and where they are. */
const ownModules: Readonly<Record<string, string>> = { pi: '../pi/pi.ts', 'recorded-pi': './demo-service.ts' };

/** Where a module is: `pi` and `recorded-pi` come along, anything else is a file. Throws a UsageError if there is none. */
export function moduleUrl(name: string): string {
  const own = Object.hasOwn(ownModules, name) ? ownModules[name] : undefined;
  if (name === 'recorded-pi' && !process.env.EVENKEEL_LEDGER) {
    throw new UsageError('recorded-pi writes its calls down: say in which folder by EVENKEEL_LEDGER');
  }
  if (own !== undefined) return pathToFileURL(ownFile(own, import.meta.url)).href;
  const url = name.startsWith('file:') ? name : pathToFileURL(resolve(name)).href;
  if (!existsSync(fileURLToPath(url))) throw new UsageError(`there is no module ${fileURLToPath(url)}`);
  return url;
}

/** Loads a module and checks that it is one. Throws one sentence that says what is wrong with it. */
export async function loadModule(url: string): Promise<ServiceModule> {
  const name = fileURLToPath(url);
  const loaded = await import(url).catch(async (cause) => {
    const place = said(await placeOf(cause, url), name);
    throw new Failure(`cannot load ${name}: ${oneLine(cause)}${place}`, { cause });
  });
  const module = loaded.default as Partial<ServiceModule> | null | undefined;
  const { service, handlers } = module ?? {};
  if (typeof service?.name !== 'string' || !isObject(service.methods) || !isObject(handlers)) {
    throw new UsageError(`${name} does not export default { service, handlers }`);
  }
  const flaw = handlersFlaw(service, handlers);
  if (flaw !== undefined) throw new UsageError(`${name} has ${flaw}`);
  return module as ServiceModule;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function oneLine(cause: unknown): string {
  return String((cause as Error)?.message ?? cause).replaceAll(/\s*\n\s*/g, ' ');
}

/** ` (line 3)`, or ` (in FILE, line 3)` where it is another file. */
function said(place: Place | undefined, name: string): string {
  if (place === undefined) return '';
  return ` (${place.file === name ? '' : `in ${place.file}, `}line ${place.line})`;
}
