import type { NodesView, NodeView } from '../client/view.ts';
import { isoInstant } from '../core/clock.ts';
import { bar } from '../load/view/frame.ts';
import { type Paint, plain } from '../load/view/paint.ts';

export interface TableOptions {
  /** Whether it is drawn again and again: with the weights as bars too, and columns that stay where they are. Default false. */
  live?: boolean;
  /** Default: without colours. */
  paint?: Paint;
}

interface Column {
  title: string;
  cell(node: NodeView, view: NodesView): string;
  /** Numbers stand under each other by their last digit. */
  right?: boolean;
  /** Its width where it is drawn again and again, so that a change moves nothing beside it. It is always shown then. */
  least?: number;
  /** Default: always shown. */
  shown?(view: NodesView): boolean;
}

/** The view for people: what is true of the client in one line, and a line for each server. */
export function table(view: NodesView, options: TableOptions = {}): string[] {
  const { live = false, paint = plain } = options;
  const { nodes } = view;
  if (nodes.length === 0) return [summary(view, paint), '', 'The registry lists no server.'];
  const shown = columns.filter(({ shown, least }) => (live && least !== undefined) || (shown?.(view) ?? true));
  const rows = [
    shown.map(({ title }) => title),
    ...nodes.map((node) => shown.map(({ cell }) => oneLine(cell(node, view)))),
  ];
  const widths = shown.map(({ least = 0 }, i) => Math.max(live ? least : 0, ...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row, at) => {
    const node = nodes[at - 1];
    const cells = row.map((text, i) => {
      const { title, right } = shown[i]!;
      const padded = right ? text.padStart(widths[i]!) : text.padEnd(widths[i]!);
      if (!live || title !== 'WEIGHT') return padded;
      return `${node === undefined ? ' '.repeat(bar(nodes[0]!).length) : painted(node, paint)} ${padded}`;
    });
    const line = cells.join('  ').trimEnd();
    return node === undefined ? paint.soft(line) : line;
  });
  return [summary(view, paint), '', ...lines];
}

function painted(node: NodeView, paint: Paint): string {
  return node.state === 'live' && node.weight >= node.base ? paint.good(bar(node)) : paint.warn(bar(node));
}

/** What is true of the client. */
function summary(view: NodesView, paint: Paint): string {
  const { service, registry, budget, tier, panic, nodes } = view;
  const { state, since, cause } = registry;
  const live = nodes.filter((node) => node.state === 'live').length;
  const word = `registry ${state} for ${long(between(since, view.time))}${cause === null ? '' : `: ${oneLine(cause)}`}`;
  return [
    ...(service === null ? [] : [paint.bold(service)]),
    `${live} of ${nodes.length} servers live`,
    state === 'known' ? word : paint.warn(word),
    ...(budget === null ? [] : [`budget ${budget}`]),
    ...(tier === null ? [] : [`tier ${tier}`]),
    ...(panic ? [paint.bad('PANIC: every server looks bad, calls are spread evenly')] : []),
  ].join('   ');
}

const columns: readonly Column[] = [
  { title: 'NODE', cell: ({ id }) => id },
  { title: 'ADDRESS', cell: ({ addr }) => addr },
  { title: 'STATE', cell: ({ state }) => state, least: 'connecting'.length },
  {
    title: 'WEIGHT',
    right: true,
    cell: ({ weight, base }) => `${String(Math.round(weight)).padStart(String(base).length)} of ${base}`,
  },
  { title: 'SHARE', right: true, cell: ({ share }) => `${Math.round(share * 100)} %` },
  { title: 'IN FLIGHT', right: true, cell: ({ inFlight }) => String(inFlight) },
  {
    title: 'TIER',
    right: true,
    cell: ({ tier }) => String(tier),
    shown: ({ nodes }) => nodes.some(({ tier }) => tier !== nodes[0]!.tier),
  },
  {
    title: 'SET',
    cell: ({ settings }) => settingsText(settings),
    shown: ({ nodes }) => nodes.some(({ settings }) => settings !== null),
  },
  {
    title: 'NEXT',
    cell: next,
    least: 'dialled in 1.0 s'.length,
    shown: ({ nodes }) => nodes.some(({ nextProbe }) => nextProbe !== null),
  },
  // The longest: what does not fit on the line is at its end.
  { title: 'LAST CAUSE', cell: why },
];

function settingsText(settings: NodeView['settings']): string {
  const { weight, offline } = settings ?? {};
  return [...(offline ? ['offline'] : []), ...(weight === undefined ? [] : [`weight ${weight}`])].join(', ');
}

/** What is next done for the node, and when. */
function next({ state, nextProbe }: NodeView, view: NodesView): string {
  if (nextProbe === null) return '';
  const what = state === 'suspended' ? 'probed' : state === 'live' ? 'rises' : 'dialled';
  return `${what} in ${seconds(between(view.time, nextProbe))}`;
}

/** Why it gets less than its share, or why it lately did; the last change where there never was a fault. */
function why(node: NodeView, view: NodesView): string {
  const { addr, state, lastCause, lastChange, lastFault, sparedUntil, stalled, held } = node;
  const change = lastFault ?? lastChange;
  const words = change === null ? '' : `${change.cause} ${ago(view, change.at)}`;
  const away = state !== 'live' && state !== 'suspended' && lastCause !== lastChange?.cause ? lastCause : null;
  // The address stands in the same line.
  const sentence = (away ?? change?.attempt ?? null)?.replaceAll(` to ${addr}`, '').replaceAll(` ${addr}`, '');
  return [
    ...(stalled ? ['answers nothing'] : []),
    ...(sparedUntil === null ? [] : [`spared for ${seconds(between(view.time, sparedUntil))}`]),
    ...held.map((reason) => (reason === 'health' ? 'its health check fails' : 'says that it has too much to do')),
    ...(words === '' && sentence === undefined ? [] : [[words, sentence].filter(Boolean).join(': ')]),
  ].join('; ');
}

function ago({ time: now }: NodesView, at: string): string {
  const ms = between(at, now);
  return ms < 1_000 ? 'just now' : `${long(ms)} ago`;
}

/** What is to come soon. */
function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
}

/** What has lasted for a while. */
function long(ms: number): string {
  if (ms < 0) return '0 s';
  if (ms < 60_000) return `${Math.floor(ms / 1_000)} s`;
  return ms < 3_600_000 ? `${Math.floor(ms / 60_000)} min` : `${Math.floor(ms / 3_600_000)} h`;
}

/** From one ISO time to another, ms. */
function between(from: string, to: string): number {
  return isoInstant(to) - isoInstant(from);
}

/** Text from peers stands in one line, and moves no cursor. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}
