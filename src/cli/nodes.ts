import type { Command } from 'commander';
import { connectRaw } from '../client/connect-raw.ts';
import type { NodesView, NodeView } from '../client/view.ts';
import { isoTime, systemClock } from '../core/clock.ts';
import { makeLog } from '../ops/log.ts';
import { command, Failure } from './command.ts';
import { nodesSetCommand } from './nodes-set.ts';
import { endWithReader } from './output.ts';
import { requireRegistry } from './registry.ts';
import { registryAuth } from './secrets.ts';

/** How long the registry and the servers are given to answer, ms. */
const patience = 5_000;
const refresh = 250;

export function nodesCommand(): Command {
  const made = command(
    'nodes',
    'Shows the servers as a client sees them: a table; where stdout is no terminal a JSON line for each, with --watch for each view of all.',
    ['registry', 'service', 'watch', 'logLevel'],
    { logLevel: 'error' },
  );
  made
    .summary('Shows the servers as a client sees them')
    .addHelpText(
      'after',
      '\nExamples:\n  evenkeel nodes --watch --registry zookeeper://127.0.0.1:2181/demo' +
        '\n  evenkeel nodes set 10.0.0.1:7000 --offline --registry zookeeper://127.0.0.1:2181/demo',
    )
    // What stands behind `set` is for `set`.
    .enablePositionalOptions()
    .helpCommand(false)
    .addCommand(nodesSetCommand(() => made.values().registry));
  return made.action(async () => {
    const { registry, service, watch = false, logLevel } = made.values();
    endWithReader();
    const auth = registryAuth();
    const client = connectRaw(service, {
      registry: requireRegistry(registry, auth),
      log: makeLog({ level: logLevel!, destination: 'stderr' }),
      ...(auth === undefined ? {} : { registryAuth: auth }),
    });
    let cause = '';
    client.on('registry-stale', (fact) => {
      cause = fact.cause;
    });
    const stopped = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
    try {
      const view = await settled(() => client.nodes(), stopped.signal);
      if (stopped.signal.aborted) return;
      if (view.registry.state !== 'known') {
        const why = cause === '' ? `has not answered within ${patience / 1_000} s` : `cannot be read: ${cause}`;
        throw new Failure(`the registry ${why}`);
      }
      let last = '';
      do {
        const now = client.nodes();
        const seen = snapshot(now);
        if (seen !== last) show(now, watch);
        last = seen;
        if (watch) await systemClock.sleep(refresh, stopped.signal).catch(() => {});
      } while (watch && !stopped.signal.aborted);
    } finally {
      await client.close(0);
    }
  });
}

/** The view as soon as the registry has answered and every server has, or has had its chance. */
async function settled(read: () => NodesView, signal: AbortSignal): Promise<NodesView> {
  const until = systemClock.now() + patience;
  for (;;) {
    const view = read();
    const waiting = view.nodes.some(
      ({ state, lastCause }) => state === 'connecting' && (lastCause === null || lastCause === 'joined'),
    );
    if ((view.registry.state === 'known' && !waiting) || systemClock.now() > until || signal.aborted) return view;
    await systemClock.sleep(20);
  }
}

/** The view as text, but for what is another at every moment: two that are the same say nothing new. */
export function snapshot({ registry, nodes }: NodesView): string {
  return JSON.stringify([registry.state, nodes.map((node) => ({ ...node, nextProbe: null, inFlight: 0 }))]);
}

function show(view: NodesView, watch: boolean): void {
  const { nodes, registry } = view;
  if (!process.stdout.isTTY) {
    if (watch) console.log(JSON.stringify({ time: isoTime(systemClock.wallTime()), registry: registry.state, nodes }));
    else for (const node of nodes) console.log(JSON.stringify(node));
    if (nodes.length === 0) console.error('evenkeel: the registry lists no server');
    return;
  }
  if (watch) process.stdout.write('\x1b[2J\x1b[H');
  console.log(table(nodes));
}

const columns: [string, (node: NodeView) => string][] = [
  ['NODE', (node) => node.id],
  ['ADDRESS', (node) => node.addr],
  ['STATE', (node) => node.state],
  ['WEIGHT', (node) => `${Math.round(node.weight)} of ${node.base}`],
  ['SHARE', (node) => `${Math.round(node.share * 100)} %`],
  ['IN FLIGHT', (node) => String(node.inFlight)],
  ['LAST CAUSE', (node) => node.lastCause ?? ''],
];
/** Shown only where something is set. */
const setColumn: (typeof columns)[number] = ['SET', (node) => settingsText(node.settings)];

function settingsText(settings: NodeView['settings']): string {
  const { weight, offline } = settings ?? {};
  return [...(offline ? ['offline'] : []), ...(weight === undefined ? [] : [`weight ${weight}`])].join(', ');
}

export function table(nodes: readonly NodeView[]): string {
  if (nodes.length === 0) return 'The registry lists no server.';
  const shown = nodes.some(({ settings }) => settings !== null) ? [...columns, setColumn] : columns;
  const rows = [shown.map(([title]) => title), ...nodes.map((node) => shown.map(([, cell]) => cell(node)))];
  const widths = shown.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
