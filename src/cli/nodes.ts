import type { Command } from 'commander';
import { connectRaw } from '../client/connect-raw.ts';
import type { NodesView } from '../client/view.ts';
import { systemClock } from '../core/clock.ts';
import { makeLog } from '../ops/log.ts';
import { command, Failure } from './command.ts';
import { nodesSetCommand } from './nodes-set.ts';
import { showOnce, watchNodes } from './nodes-show.ts';
import { endWithReader } from './output.ts';
import { requireRegistry } from './registry.ts';
import { registryAuth } from './secrets.ts';

/** How long the registry and the servers are given to answer, ms. */
const patience = 5_000;

export function nodesCommand(): Command {
  const made = command(
    'nodes',
    'Shows the servers as a client sees them, this command being one: a table; where stdout is no terminal a JSON line for each, with --watch for each view of all.',
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
    const stopped = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
    try {
      const view = await settled(() => client.nodes(), stopped.signal);
      if (stopped.signal.aborted) return;
      if (view.registry.state !== 'known') {
        const { cause } = view.registry;
        const why = cause === null ? `has not answered within ${patience / 1_000} s` : `cannot be read: ${cause}`;
        throw new Failure(`the registry ${why}`);
      }
      const read = () => client.nodes();
      const { stdout, stderr } = process;
      if (watch)
        await watchNodes(read, { stdout, stderr, clock: systemClock, env: process.env, signal: stopped.signal });
      else showOnce(view, { stdout, stderr });
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
