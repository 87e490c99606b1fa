/** Writes what the docs take from the code: `node docs/generate.ts` writes, `--check` fails where they differ. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { FailoverFigures } from '../bench/failover/figures.ts';
import { renderFailover } from '../bench/failover/render.ts';
import type { Figures } from '../bench/figures.ts';
import { renderFigures } from '../bench/render.ts';
import type { SimulatedFigures } from '../bench/simulate/play.ts';
import { renderSimulated } from '../bench/simulate/render.ts';
import { type OptionName, type OptionSpec, options } from '../src/cli/options.ts';
import { commands } from '../src/cli/program.ts';
import type { Figures as ClusterFigures } from '../test/e2e/figures.ts';
import { verdict as clusterVerdict } from '../test/e2e/verdict.ts';
import { kept } from './loadtest.ts';
import { metricsTable } from './metrics.ts';

/** Replaces what stands between two markers. Throws where there are none. */
export function between(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no markers for "${name}"`);
  return `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`;
}

export async function optionTable(): Promise<string> {
  const made = await Promise.all(Object.values(commands).map(async (load) => (await load())()));
  const rows = (Object.keys(options) as OptionName[]).map((name) => {
    const { flag, value, env, help, default: fallback } = options[name] as OptionSpec<unknown>;
    const cells = [
      `\`--${flag}${value === undefined ? '' : ` ${value}`}\``,
      env === undefined ? '' : `\`${env}\``,
      defaultsOf(made, flag, fallback),
      help,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| flag | environment | default | what it is |', '|---|---|---|---|', ...rows].join('\n');
}

/** The default of an option, and those of commands that have another one: `1`; `demo`: `2`. */
function defaultsOf(made: readonly Command[], flag: string, fallback: string | undefined): string {
  const by = new Map<string, string[]>();
  for (const { name, own } of made.flatMap((command) => defaultsIn(command, flag))) {
    const shown = own === undefined ? 'none' : `\`${own}\``;
    if (own !== fallback) by.set(shown, [...(by.get(shown) ?? []), `\`${name}\``]);
  }
  const others = Array.from(by, ([shown, names]) => `${names.join(', ')}: ${shown}`);
  return [...(fallback === undefined ? [] : [`\`${fallback}\``]), ...others].join('; ');
}

/** What a command and those below it take for an option that is not given, where they have it. */
function defaultsIn(command: Command, flag: string): { name: string; own: string | undefined }[] {
  const option = command.options.find(({ long }) => long === `--${flag}`);
  const below = command.commands.flatMap((part) => defaultsIn(part, flag));
  return [
    ...(option === undefined ? [] : [{ name: command.name(), own: option.defaultValueDescription }]),
    ...below.map(({ name, own }) => ({ name: `${command.name()} ${name}`, own })),
  ];
}

/** The recorded bytes, sixteen a line, with what can be read of them. */
export function bytesTable(): string {
  const recorded: Record<string, string> = JSON.parse(
    readFileSync(new URL('../test/fixtures/wire-v1.json', import.meta.url), 'utf8'),
  );
  const dumps = Object.entries(recorded).map(([name, hex]) => `${name}\n\n${dump(Buffer.from(hex, 'hex'))}`);
  return `\n${dumps.join('\n\n')}\n`;
}

function dump(bytes: Buffer): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    const hex = Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    lines.push(`    ${hex.padEnd(47)}  ${part.toString('latin1').replace(/[^ -~]/g, '.')}`);
  }
  return lines.join('\n');
}

/** What the bench measured last: `npm run bench -- --json bench/figures.json`. */
export function figures(): string {
  const file = new URL('../bench/figures.json', import.meta.url);
  return renderFigures(JSON.parse(readFileSync(file, 'utf8')) as Figures);
}

/** What callers felt of faults: `npm run bench:failover -- --json bench/failover/figures.json`. */
export function failover(): string {
  const file = new URL('../bench/failover/figures.json', import.meta.url);
  return renderFailover(JSON.parse(readFileSync(file, 'utf8')) as FailoverFigures);
}

/** What the policy comes to in a simulation: `npm run simulate -- --json bench/simulate/figures.json`. */
export function simulated(): string {
  const file = new URL('../bench/simulate/figures.json', import.meta.url);
  return renderSimulated(JSON.parse(readFileSync(file, 'utf8')) as SimulatedFigures);
}

/** The verdict of the demo whose picture is beside it: `npm start -- --report docs/demo.html`. */
export function verdict(): string {
  return readFileSync(new URL('demo.md', import.meta.url), 'utf8').trim();
}

/** What happened on a cluster: `npm run e2e -- --json docs/cluster.json`. */
export function onCluster(): string {
  const { date, cluster, machine, rows } = JSON.parse(
    readFileSync(new URL('cluster.json', import.meta.url), 'utf8'),
  ) as ClusterFigures;
  return `${clusterVerdict(rows)} First call: of a new server, since it was ready (negative: before); last call: of a server that\nwas told to go, since then; the slowest each.\n\n${cluster}. ${machine}, ${date}.`;
}

/** The pages with generated parts, as they should be. */
export async function generated(): Promise<{ file: URL; now: string; wanted: string }[]> {
  const pages: [page: string, marker: string, content: string][] = [
    ['operations.md', 'options', await optionTable()],
    ['operations.md', 'metrics', await metricsTable()],
    ['protocol.md', 'bytes', bytesTable()],
    ['policy.md', 'simulated', simulated()],
    ['policy.md', 'failover', failover()],
    ['../README.md', 'figures', figures()],
    ['../README.md', 'verdict', verdict()],
    ['../README.md', 'cluster', onCluster()],
    ['../README.md', 'loadtest', kept()],
  ];
  const files = new Map<string, { file: URL; now: string; wanted: string }>();
  for (const [page, marker, content] of pages) {
    const file = new URL(page, import.meta.url);
    const now = readFileSync(file, 'utf8');
    files.set(page, { file, now, wanted: between(files.get(page)?.wanted ?? now, marker, content) });
  }
  return [...files.values()];
}

if (import.meta.main) {
  for (const { file, now, wanted } of await generated()) {
    if (now === wanted) continue;
    if (process.argv.includes('--check')) {
      console.error(`${file.pathname} is not what the code says: npm run docs`);
      process.exitCode = 1;
    } else writeFileSync(file, wanted);
  }
}
