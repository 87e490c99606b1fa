import { Command, InvalidArgumentError, Option } from 'commander';
import { timeText } from './option-values.ts';
import { type OptionName, type OptionSpec, type OptionValues, options } from './options.ts';

/** What was typed cannot be done: one sentence, exit code 2. */
export class UsageError extends Error {}

/** The work could not be done: one sentence, exit code 1. */
export class Failure extends Error {}

/** An option that has neither default nor variable here: what is not typed is not said. */
export const unsaid = Symbol('unsaid');

/** A command with options from the table. `overrides` gives some of them another default here. */
export function command<const Names extends readonly OptionName[]>(
  name: string,
  description: string,
  names: Names,
  overrides: Partial<Record<Names[number], string | typeof unsaid>> = {},
): Command & { values(): Pick<OptionValues, Names[number]> } {
  const made = new Command(name)
    .description(description)
    .configureHelp({ optionDescription: describeOption })
    .showHelpAfterError(`(evenkeel ${name.split(' ')[0]} --help says more)`);
  for (const option of names) made.addOption(toOption(option, overrides[option as Names[number]]));
  const values = () =>
    Object.entries(made.opts()).map(([option, value]) => [option, value === off ? undefined : value]);
  return Object.assign(made, { values: () => Object.fromEntries(values()) as Pick<OptionValues, Names[number]> });
}

/** What stands in commander for a value that was read as "none": it takes `undefined` for an empty text. */
const off = Symbol('off');

function toOption(name: OptionName, override: string | typeof unsaid | undefined): Option {
  const { flag, value, env, help, parse } = options[name];
  const option = new Option(value === undefined ? `--${flag}` : `--${flag} <${value}>`, help);
  const fallback = override === unsaid ? undefined : (override ?? options[name].default);
  // A variable that is set to nothing says nothing.
  if (env !== undefined && override !== unsaid && process.env[env] !== '') option.env(env);
  if (value !== undefined) {
    option.argParser((text: string) => {
      try {
        return parse(text) ?? off;
      } catch (error) {
        throw new InvalidArgumentError(`${(error as Error).message}.`);
      }
    });
    if (fallback !== undefined) option.default(parse(fallback), fallback);
  }
  return option;
}

/** How options read in the help: what they are, then in one pair of brackets what they are without a word from you. */
function describeOption(option: Option): string {
  const fallback = option.defaultValueDescription;
  const facts = [
    ...(fallback === undefined ? [] : [`default ${fallback}`]),
    ...(option.envVar === undefined ? [] : [`env ${option.envVar}`]),
  ];
  return facts.length === 0 ? option.description : `${option.description} [${facts.join('; ')}]`;
}

/** The options that were given or have a default: the library fills in the others. */
export function given<Values extends object>(
  values: Values,
): Partial<{ [Name in keyof Values]: NonNullable<Values[Name]> }> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<{
    [Name in keyof Values]: NonNullable<Values[Name]>;
  }>;
}

/** Does what may find an option wrong that is right by itself, and says it of the flag. */
export function asUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/^option "(\w+)"(.*)$/s, ofFlag));
  }
}

/** The library counts in ms, and calls options by their names; who typed a flag wrote `1s`. */
function ofFlag(text: string, name: string, what: string): string {
  if (!Object.hasOwn(options, name)) return text;
  const { flag, value } = options[name as OptionName] as OptionSpec<unknown>;
  if (value !== 'TIME') return `--${flag}${what}`;
  const times = what.replaceAll(/\d+/g, (ms) => timeText(Number(ms))).replace('a whole number', 'a time');
  return `--${flag}${times}`;
}
