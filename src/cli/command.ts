import { Command, InvalidArgumentError, Option } from 'commander';
import { type OptionName, type OptionValues, options } from './options.ts';

/** What was typed cannot be done: one sentence, exit code 2. */
export class UsageError extends Error {}

/** The work could not be done: one sentence, exit code 1. */
export class Failure extends Error {}

/** A command with options from the table. `overrides` gives some of them another default here. */
export function command<const Names extends readonly OptionName[]>(
  name: string,
  description: string,
  names: Names,
  overrides: Partial<Record<Names[number], string>> = {},
): Command & { values(): Pick<OptionValues, Names[number]> } {
  const made = new Command(name)
    .description(description)
    .showHelpAfterError(`(evenkeel ${name.split(' ')[0]} --help says more)`);
  for (const option of names) made.addOption(toOption(option, overrides[option as Names[number]]));
  return Object.assign(made, { values: () => made.opts() as Pick<OptionValues, Names[number]> });
}

function toOption(name: OptionName, override: string | undefined): Option {
  const { flag, value, env, help, parse } = options[name];
  const option = new Option(value === undefined ? `--${flag}` : `--${flag} <${value}>`, help);
  const fallback = override ?? options[name].default;
  if (env !== undefined) option.env(env);
  if (value !== undefined) {
    option.argParser((text: string) => {
      try {
        return parse(text);
      } catch (error) {
        throw new InvalidArgumentError(`${(error as Error).message}.`);
      }
    });
    if (fallback !== undefined) option.default(parse(fallback), fallback);
  }
  return option;
}

/** The registry's URL, which a command cannot do without. */
export function requireRegistry(registry: string | undefined): string {
  if (registry !== undefined) return registry;
  throw new UsageError('say where the servers are known: --registry URL, or EVENKEEL_REGISTRY');
}
